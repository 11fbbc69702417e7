// Made by telford of architecture/shop. Change the estate, not this file.
workspace "shop" "Everything that the estate describes." {
    model {
        shop = softwareSystem "shop" "A small shop for builders of roads, bridges and canals." "System,team/storefront" {
            shop_orders = container "orders (datastore)" "The order book and the outbox, a file beside the orders service." "sqlite" "Datastore,team/orders"
            shop_parcels = container "parcels" "The parcels packed so far; the order's id is the key, so none is packed twice." "sqlite" "Datastore,team/orders"
            shop_catalogue = container "catalogue" "What the shop sells; reads only, from memory." "http" "Service,team/storefront"
            shop_fulfilment = container "fulfilment" "Packs a parcel for every order that was placed, once, however often it is told." "worker" "Service,team/orders"
            shop_orders_service = container "orders (service)" "Keeps the orders and announces every new one." "http" "Service,team/orders"
            shop_recommendations = container "recommendations" "What else one might like. Nice to have." "http" "Service,team/storefront"
            shop_storefront = container "storefront" "Every page of the shop; keeps nothing itself." "http" "Service,team/storefront"
            shop_stream = container "stream" "The broker. Durable topics over HTTP; it fits on a laptop." "http" "Service,team/platform"
            shop_order_placed = container "order-placed" "One event for every new order, at least once, in the order of placing." "embedded" "Stream,team/orders"
        }
        shop_fulfilment -> shop_parcels "reads and writes" "sqlite"
        shop_fulfilment -> shop_orders_service "calls" "http"
        shop_fulfilment -> shop_order_placed "consumes" "embedded"
        shop_orders_service -> shop_orders "reads and writes" "sqlite"
        shop_orders_service -> shop_order_placed "publishes" "embedded" "Optional"
        shop_storefront -> shop_catalogue "calls" "http"
        shop_storefront -> shop_orders_service "calls" "http"
        shop_storefront -> shop_recommendations "calls" "http" "Optional"
        shop_order_placed -> shop_stream "is kept by" "http"
        deploymentEnvironment "dev" {
            deploymentNode "dev" {
                containerInstance shop_orders
                containerInstance shop_parcels
                containerInstance shop_catalogue
                containerInstance shop_fulfilment
                containerInstance shop_orders_service
                containerInstance shop_recommendations
                containerInstance shop_storefront
                containerInstance shop_stream
                containerInstance shop_order_placed
            }
        }
        deploymentEnvironment "staging" {
            deploymentNode "eu-west-1" "" "aws" {
                containerInstance shop_orders
                containerInstance shop_parcels
                containerInstance shop_catalogue
                containerInstance shop_fulfilment
                containerInstance shop_orders_service
                containerInstance shop_recommendations
                containerInstance shop_storefront
                containerInstance shop_stream
                containerInstance shop_order_placed
            }
        }
        deploymentEnvironment "prod" {
            deploymentNode "eu-west-1" "" "aws" {
                containerInstance shop_orders
                containerInstance shop_parcels
                containerInstance shop_catalogue
                containerInstance shop_fulfilment
                containerInstance shop_orders_service
                containerInstance shop_recommendations
                containerInstance shop_storefront
                containerInstance shop_stream
                containerInstance shop_order_placed
            }
            deploymentNode "eu-central-1" "" "aws" {
                containerInstance shop_orders
                containerInstance shop_parcels
                containerInstance shop_catalogue
                containerInstance shop_fulfilment
                containerInstance shop_orders_service
                containerInstance shop_recommendations
                containerInstance shop_storefront
                containerInstance shop_stream
                containerInstance shop_order_placed
            }
        }
    }
    views {
        systemLandscape "landscape" {
            include *
            autoLayout lr
        }
        systemContext shop "shop-context" {
            include *
            autoLayout lr
        }
        container shop "shop-containers" {
            include *
            autoLayout lr
        }
        deployment shop "dev" "shop-in-dev" {
            include *
            autoLayout lr
        }
        deployment shop "staging" "shop-in-staging" {
            include *
            autoLayout lr
        }
        deployment shop "prod" "shop-in-prod" {
            include *
            autoLayout lr
        }
        styles {
            element "Element" {
                color #ffffff
                background #1f4e79
            }
            element "System" {
                shape RoundedBox
                background #153a5b
            }
            element "Datastore" {
                shape Cylinder
            }
            element "Stream" {
                shape Pipe
            }
            element "Pipeline" {
                shape Hexagon
            }
            element "Route" {
                shape WebBrowser
            }
            relationship Optional {
                color #6b7280
            }
            relationship Inferred {
                color #b45309
            }
        }
    }
}
