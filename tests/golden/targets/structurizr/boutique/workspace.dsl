// Made by telford of architecture/boutique. Change the estate, not this file.
workspace "boutique" "Everything that the estate describes." {
    model {
        group "retail" {
            boutique = softwareSystem "boutique" "A shop for things nobody needs." "System,team/storefront" {
                boutique_carts = container "carts" "Carts, for as long as a visitor may come back." "redis" "Datastore,team/orders"
                boutique_ad = container "ad" "Shows a few words that somebody paid for." "grpc" "Service,team/storefront"
                boutique_cart = container "cart" "Keeps what a visitor means to buy." "grpc" "Service,team/orders"
                boutique_checkout = container "checkout" "Takes a cart, charges the card, ships the goods, tells the customer." "grpc" "Service,team/orders"
                boutique_currency = container "currency" "Converts an amount at the day's rate." "grpc" "Service,team/storefront"
                boutique_email = container "email" "Writes to a customer when an order is placed." "grpc" "Service,team/orders"
                boutique_frontend = container "frontend" "The pages a visitor sees." "http" "Service,team/storefront"
                boutique_payment = container "payment" "Charges a card and says the transaction's number." "grpc" "Service,team/orders"
                boutique_product_catalogue = container "product-catalogue" "What there is, and what it costs." "grpc" "Service,team/storefront"
                boutique_recommendation = container "recommendation" "Suggests what else one may like." "grpc" "Service,team/storefront"
                boutique_shipping = container "shipping" "Says what shipping costs, and ships." "grpc" "Service,team/orders"
            }
        }
        boutique_cart -> boutique_carts "reads and writes" "redis"
        boutique_checkout -> boutique_cart "calls" "grpc"
        boutique_checkout -> boutique_currency "calls" "grpc"
        boutique_checkout -> boutique_email "calls" "grpc" "Optional"
        boutique_checkout -> boutique_payment "calls" "grpc"
        boutique_checkout -> boutique_product_catalogue "calls" "grpc"
        boutique_checkout -> boutique_shipping "calls" "grpc"
        boutique_frontend -> boutique_ad "calls" "grpc" "Optional"
        boutique_frontend -> boutique_cart "calls" "grpc"
        boutique_frontend -> boutique_checkout "calls" "grpc"
        boutique_frontend -> boutique_currency "calls" "grpc"
        boutique_frontend -> boutique_product_catalogue "calls" "grpc"
        boutique_frontend -> boutique_recommendation "calls" "grpc" "Optional"
        boutique_frontend -> boutique_shipping "calls" "grpc"
        boutique_recommendation -> boutique_product_catalogue "calls" "grpc"
        deploymentEnvironment "dev" {
            deploymentNode "dev" {
                containerInstance boutique_carts
                containerInstance boutique_ad
                containerInstance boutique_cart
                containerInstance boutique_checkout
                containerInstance boutique_currency
                containerInstance boutique_email
                containerInstance boutique_frontend
                containerInstance boutique_payment
                containerInstance boutique_product_catalogue
                containerInstance boutique_recommendation
                containerInstance boutique_shipping
            }
        }
        deploymentEnvironment "prod" {
            deploymentNode "europe-west1" "" "gcp" {
                containerInstance boutique_carts
                containerInstance boutique_ad
                containerInstance boutique_cart
                containerInstance boutique_checkout
                containerInstance boutique_currency
                containerInstance boutique_email
                containerInstance boutique_frontend
                containerInstance boutique_payment
                containerInstance boutique_product_catalogue
                containerInstance boutique_recommendation
                containerInstance boutique_shipping
            }
        }
    }
    views {
        systemLandscape "landscape" {
            include *
            autoLayout lr
        }
        systemContext boutique "boutique-context" {
            include *
            autoLayout lr
        }
        container boutique "boutique-containers" {
            include *
            autoLayout lr
        }
        deployment boutique "dev" "boutique-in-dev" {
            include *
            autoLayout lr
        }
        deployment boutique "prod" "boutique-in-prod" {
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
