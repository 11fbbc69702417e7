// Made by telford of architecture/tideway. Change the estate, not this file.
workspace "tideway" "Everything that the estate describes." {
    model {
        group "carriers" {
            freight = softwareSystem "freight" "" "System,team/freight" {
                freight_declarations = container "declarations" "" "mongodb 8.0" "Datastore,team/freight"
                freight_manifests = container "manifests" "Which lorry is expected with what." "mysql 8.4" "Datastore,team/freight"
                freight_customs = container "customs" "Declares what is on board, and waits for the answer." "worker" "Service,team/freight"
                freight_gate = container "gate" "Opens the gate for a lorry that is expected. It works when the line to land is down." "http" "Service,team/freight"
                freight_load_manifests = container "load-manifests" "Fills the manifests for the first time. Run once in a place." "job" "Service,team/freight"
                freight_weighbridge = container "weighbridge" "Bought, and run as it came." "http" "Service,team/freight"
                freight_gate_moves = container "gate-moves" "Every lorry that comes or goes, in order." "rabbitmq" "Stream,team/freight"
                freight_gate_moves_dead = container "gate-moves-dead" "" "rabbitmq" "Stream,team/freight"
            }
        }
        group "company" {
            insight = softwareSystem "insight" "" "System,team/data" {
                insight_board = container "board" "The figures on the wall, a file beside the screen." "sqlite" "Datastore,team/data"
                insight_lake = container "lake" "" "object-store" "Datastore,team/data"
                insight_search = container "search" "Crossings by what people ask for." "opensearch 2.19" "Datastore,team/data"
                insight_bookings_to_lake = container "bookings-to-lake" "Every event of a booking, into the lake, as it happens." "flink" "Pipeline,team/data"
                insight_figures = container "figures" "What was sold and sailed, each morning." "dbt" "Pipeline,team/data"
            }
        }
        group "passengers" {
            booking = softwareSystem "booking" "Crossings, prices, bookings and tickets." "System,team/booking" {
                booking_crossings = container "crossings" "The timetable and the room left on each crossing." "cassandra 5.0" "Datastore,team/booking"
                booking_sessions = container "sessions" "Who is signed in. Losing it signs everybody out." "redis 7.4" "Datastore,team/booking"
                booking_snapshots = container "snapshots" "States of bookings, so that not every event is read again." "dynamodb" "Datastore,team/booking"
                booking_partners = container "partners" "What travel agencies call." "partners.tideway.example" "Route,team/booking"
                booking_bookings = container "bookings" "Takes bookings. Events are the record, the rest is a view." "http" "Service,team/booking"
                booking_recommendations = container "recommendations" "What else one might like." "http" "Service,team/data"
                booking_ticket_mailer = container "ticket-mailer" "Sends the ticket when a booking is confirmed." "function" "Service,team/booking"
                booking_ticket_outbox = container "ticket-outbox" "Puts every confirmed booking into the queue of the mailer." "worker" "Service,team/booking"
                booking_timetable = container "timetable" "Which ship sails when, and whether there is room. A view made from what happens." "http" "Service,team/booking"
                booking_website = container "website" "Every page of tideway.example." "http" "Service,team/booking"
                booking_booking_events = container "booking-events" "Everything that happens to a booking. Kept for ever; views are made from it." "kafka" "Stream,team/booking"
                booking_booking_events_dead = container "booking-events-dead" "" "kafka" "Stream,team/booking"
                booking_tickets_to_send = container "tickets-to-send" "" "sqs" "Stream,team/booking"
                booking_tickets_unsent = container "tickets-unsent" "" "sqs" "Stream,team/booking"
            }
            ferry_desk = softwareSystem "ferry-desk" "The desk in the terminal. Details of its cluster are kept as they were." "System,team/booking" {
                ferry_desk_desk = container "desk (datastore)" "" "postgres" "Datastore,team/booking"
                ferry_desk_desk_copies = container "desk-copies" "" "dynamodb" "Datastore,team/booking"
                ferry_desk_desk_copy = container "desk-copy" "" "batch" "Pipeline,team/data"
                ferry_desk_desk_old = container "desk-old" "" "old-desk.tideway.example" "Route,team/booking"
                ferry_desk_broker = container "broker" "" "http" "Service,team/booking"
                ferry_desk_closing = container "closing" "" "cron" "Service,team/booking"
                ferry_desk_desk_service = container "desk (service)" "" "http" "Service,team/booking"
                ferry_desk_greeter = container "greeter" "" "function" "Service,team/booking"
                ferry_desk_desk_events = container "desk-events" "" "kafka" "Stream,team/booking"
            }
            payments = softwareSystem "payments" "Charges cards and gives the money back. Card numbers never leave it." "System,team/booking" {
                payments_ledger = container "ledger" "Every charge, twice entered." "postgres 17" "Datastore,team/booking"
                payments_statements = container "statements" "What the bank was told, for ten years." "object-store" "Datastore,team/booking"
                payments_charge = container "charge" "Charges a card, once, however often it is told." "grpc" "Service,team/booking"
                payments_settle = container "settle" "Tells the bank each night what was charged." "cron" "Service,team/booking"
                payments_charges = container "charges" "One message for each charge." "nats" "Stream,team/booking"
                payments_charges_dead = container "charges-dead" "" "nats" "Stream,team/booking"
            }
        }
        ferry_desk_desk -> ferry_desk_desk_copies "writes" "dynamodb" "Optional"
        ferry_desk_desk_copy -> ferry_desk_desk "reads" "postgres"
        ferry_desk_desk_copy -> ferry_desk_desk_copies "writes" "dynamodb"
        insight_bookings_to_lake -> insight_lake "writes" "object-store"
        insight_bookings_to_lake -> booking_booking_events "consumes" "kafka"
        insight_figures -> insight_lake "reads" "object-store"
        insight_figures -> insight_search "writes" "opensearch 2.19"
        insight_figures -> booking_timetable "reads" "http"
        booking_partners -> booking_bookings "leads to" "http"
        booking_partners -> booking_timetable "leads to" "http"
        ferry_desk_desk_old -> ferry_desk_desk_service "leads to" "http"
        booking_bookings -> booking_snapshots "reads and writes" "dynamodb"
        booking_bookings -> payments_charge "calls" "grpc"
        booking_bookings -> booking_booking_events "publishes" "kafka"
        booking_recommendations -> insight_search "reads" "opensearch 2.19" "Optional"
        booking_ticket_mailer -> booking_tickets_to_send "consumes" "sqs"
        booking_ticket_outbox -> booking_booking_events "consumes" "kafka"
        booking_ticket_outbox -> booking_tickets_to_send "publishes" "sqs"
        booking_timetable -> booking_crossings "reads and writes" "cassandra 5.0"
        booking_timetable -> booking_booking_events "consumes" "kafka"
        booking_website -> booking_sessions "reads and writes" "redis 7.4"
        booking_website -> booking_bookings "calls" "http"
        booking_website -> booking_recommendations "calls" "http" "Optional"
        booking_website -> booking_timetable "calls" "http"
        ferry_desk_closing -> ferry_desk_desk "reads" "postgres"
        ferry_desk_desk_service -> ferry_desk_desk "reads and writes" "postgres"
        freight_customs -> freight_declarations "reads and writes" "mongodb 8.0"
        freight_customs -> freight_gate_moves "consumes" "rabbitmq"
        freight_gate -> freight_manifests "reads and writes" "mysql 8.4"
        freight_gate -> freight_gate_moves "publishes" "rabbitmq" "Optional"
        freight_load_manifests -> freight_manifests "writes" "mysql 8.4"
        freight_weighbridge -> freight_manifests "reads" "mysql 8.4"
        payments_charge -> payments_ledger "reads and writes" "postgres 17"
        payments_charge -> payments_charges "publishes" "nats" "Optional"
        payments_settle -> payments_ledger "reads" "postgres 17"
        payments_settle -> payments_statements "writes" "object-store"
        booking_booking_events -> booking_booking_events_dead "gives up to" "kafka" "Optional"
        booking_tickets_to_send -> booking_tickets_unsent "gives up to" "sqs" "Optional"
        ferry_desk_desk_events -> ferry_desk_broker "is kept by" "http"
        freight_gate_moves -> freight_gate_moves_dead "gives up to" "rabbitmq" "Optional"
        payments_charges -> payments_charges_dead "gives up to" "nats" "Optional"
        deploymentEnvironment "dev" {
            deploymentNode "dev" {
                containerInstance booking_crossings
                containerInstance booking_sessions
                containerInstance booking_snapshots
                containerInstance ferry_desk_desk
                containerInstance ferry_desk_desk_copies
                containerInstance freight_declarations
                containerInstance freight_manifests
                containerInstance insight_board
                containerInstance insight_lake
                containerInstance insight_search
                containerInstance payments_ledger
                containerInstance payments_statements
                containerInstance ferry_desk_desk_copy
                containerInstance insight_bookings_to_lake
                containerInstance insight_figures
                containerInstance booking_bookings
                containerInstance booking_recommendations
                containerInstance booking_ticket_mailer
                containerInstance booking_ticket_outbox
                containerInstance booking_timetable
                containerInstance booking_website
                containerInstance ferry_desk_broker
                containerInstance ferry_desk_closing
                containerInstance ferry_desk_desk_service
                containerInstance ferry_desk_greeter
                containerInstance freight_customs
                containerInstance freight_gate
                containerInstance freight_load_manifests
                containerInstance payments_charge
                containerInstance payments_settle
                containerInstance booking_booking_events
                containerInstance booking_booking_events_dead
                containerInstance booking_tickets_to_send
                containerInstance booking_tickets_unsent
                containerInstance ferry_desk_desk_events
                containerInstance freight_gate_moves
                containerInstance freight_gate_moves_dead
                containerInstance payments_charges
                containerInstance payments_charges_dead
            }
        }
        deploymentEnvironment "staging" {
            deploymentNode "eu-west-1" "Dublin; passengers, and most of the freight." "aws" {
                containerInstance booking_crossings
                containerInstance booking_sessions
                containerInstance booking_snapshots
                containerInstance ferry_desk_desk
                containerInstance ferry_desk_desk_copies
                containerInstance freight_declarations
                containerInstance freight_manifests
                containerInstance insight_board
                containerInstance insight_lake
                containerInstance insight_search
                containerInstance payments_ledger
                containerInstance payments_statements
                containerInstance ferry_desk_desk_copy
                containerInstance insight_bookings_to_lake
                containerInstance insight_figures
                containerInstance booking_bookings
                containerInstance booking_recommendations
                containerInstance booking_ticket_mailer
                containerInstance booking_ticket_outbox
                containerInstance booking_timetable
                containerInstance booking_website
                containerInstance ferry_desk_broker
                containerInstance ferry_desk_closing
                containerInstance ferry_desk_desk_service
                containerInstance ferry_desk_greeter
                containerInstance freight_customs
                containerInstance freight_gate
                containerInstance freight_load_manifests
                containerInstance payments_charge
                containerInstance payments_settle
                containerInstance booking_booking_events
                containerInstance booking_booking_events_dead
                containerInstance booking_tickets_to_send
                containerInstance booking_tickets_unsent
                containerInstance ferry_desk_desk_events
                containerInstance freight_gate_moves
                containerInstance freight_gate_moves_dead
                containerInstance payments_charges
                containerInstance payments_charges_dead
            }
        }
        deploymentEnvironment "prod" {
            deploymentNode "eu-west-1" "Dublin; passengers, and most of the freight." "aws" {
                deploymentNode "passengers" "" "eks" {
                    containerInstance booking_crossings
                    containerInstance booking_sessions
                    containerInstance booking_snapshots
                    containerInstance ferry_desk_desk
                    containerInstance ferry_desk_desk_copies
                    containerInstance freight_declarations
                    containerInstance freight_manifests
                    containerInstance insight_board
                    containerInstance insight_lake
                    containerInstance insight_search
                    containerInstance payments_ledger
                    containerInstance payments_statements
                    containerInstance ferry_desk_desk_copy
                    containerInstance insight_bookings_to_lake
                    containerInstance insight_figures
                    containerInstance booking_bookings
                    containerInstance booking_recommendations
                    containerInstance booking_ticket_mailer
                    containerInstance booking_ticket_outbox
                    containerInstance booking_timetable
                    containerInstance booking_website
                    containerInstance ferry_desk_broker
                    containerInstance ferry_desk_closing
                    containerInstance ferry_desk_desk_service
                    containerInstance ferry_desk_greeter
                    containerInstance freight_customs
                    containerInstance freight_gate
                    containerInstance freight_load_manifests
                    containerInstance freight_weighbridge
                    containerInstance payments_charge
                    containerInstance payments_settle
                    containerInstance booking_booking_events
                    containerInstance booking_booking_events_dead
                    containerInstance booking_tickets_to_send
                    containerInstance booking_tickets_unsent
                    containerInstance ferry_desk_desk_events
                    containerInstance freight_gate_moves
                    containerInstance freight_gate_moves_dead
                    containerInstance payments_charges
                    containerInstance payments_charges_dead
                }
                deploymentNode "carriers" "" "eks" {
                    containerInstance booking_crossings
                    containerInstance booking_sessions
                    containerInstance booking_snapshots
                    containerInstance ferry_desk_desk
                    containerInstance ferry_desk_desk_copies
                    containerInstance freight_declarations
                    containerInstance freight_manifests
                    containerInstance insight_board
                    containerInstance insight_lake
                    containerInstance insight_search
                    containerInstance payments_ledger
                    containerInstance payments_statements
                    containerInstance ferry_desk_desk_copy
                    containerInstance insight_bookings_to_lake
                    containerInstance insight_figures
                    containerInstance booking_bookings
                    containerInstance booking_recommendations
                    containerInstance booking_ticket_mailer
                    containerInstance booking_ticket_outbox
                    containerInstance booking_timetable
                    containerInstance booking_website
                    containerInstance ferry_desk_broker
                    containerInstance ferry_desk_closing
                    containerInstance ferry_desk_desk_service
                    containerInstance ferry_desk_greeter
                    containerInstance freight_customs
                    containerInstance freight_gate
                    containerInstance freight_load_manifests
                    containerInstance freight_weighbridge
                    containerInstance payments_charge
                    containerInstance payments_settle
                    containerInstance booking_booking_events
                    containerInstance booking_booking_events_dead
                    containerInstance booking_tickets_to_send
                    containerInstance booking_tickets_unsent
                    containerInstance ferry_desk_desk_events
                    containerInstance freight_gate_moves
                    containerInstance freight_gate_moves_dead
                    containerInstance payments_charges
                    containerInstance payments_charges_dead
                }
            }
            deploymentNode "westeurope" "Amsterdam; the second leg of booking." "azure" {
                containerInstance booking_crossings
                containerInstance booking_sessions
                containerInstance booking_snapshots
                containerInstance ferry_desk_desk
                containerInstance ferry_desk_desk_copies
                containerInstance freight_declarations
                containerInstance freight_manifests
                containerInstance insight_board
                containerInstance insight_lake
                containerInstance insight_search
                containerInstance payments_ledger
                containerInstance payments_statements
                containerInstance ferry_desk_desk_copy
                containerInstance insight_bookings_to_lake
                containerInstance insight_figures
                containerInstance booking_bookings
                containerInstance booking_recommendations
                containerInstance booking_ticket_mailer
                containerInstance booking_ticket_outbox
                containerInstance booking_timetable
                containerInstance booking_website
                containerInstance ferry_desk_broker
                containerInstance ferry_desk_closing
                containerInstance ferry_desk_desk_service
                containerInstance ferry_desk_greeter
                containerInstance freight_customs
                containerInstance freight_gate
                containerInstance freight_load_manifests
                containerInstance freight_weighbridge
                containerInstance payments_charge
                containerInstance payments_settle
                containerInstance booking_booking_events
                containerInstance booking_booking_events_dead
                containerInstance booking_tickets_to_send
                containerInstance booking_tickets_unsent
                containerInstance ferry_desk_desk_events
                containerInstance freight_gate_moves
                containerInstance freight_gate_moves_dead
                containerInstance payments_charges
                containerInstance payments_charges_dead
            }
            deploymentNode "europe-west4" "Eemshaven; what is counted and learnt." "gcp" {
                containerInstance booking_crossings
                containerInstance booking_sessions
                containerInstance booking_snapshots
                containerInstance ferry_desk_desk
                containerInstance ferry_desk_desk_copies
                containerInstance freight_declarations
                containerInstance freight_manifests
                containerInstance insight_board
                containerInstance insight_lake
                containerInstance insight_search
                containerInstance payments_ledger
                containerInstance payments_statements
                containerInstance ferry_desk_desk_copy
                containerInstance insight_bookings_to_lake
                containerInstance insight_figures
                containerInstance booking_bookings
                containerInstance booking_recommendations
                containerInstance booking_ticket_mailer
                containerInstance booking_ticket_outbox
                containerInstance booking_timetable
                containerInstance booking_website
                containerInstance ferry_desk_broker
                containerInstance ferry_desk_closing
                containerInstance ferry_desk_desk_service
                containerInstance ferry_desk_greeter
                containerInstance freight_customs
                containerInstance freight_gate
                containerInstance freight_load_manifests
                containerInstance freight_weighbridge
                containerInstance payments_charge
                containerInstance payments_settle
                containerInstance booking_booking_events
                containerInstance booking_booking_events_dead
                containerInstance booking_tickets_to_send
                containerInstance booking_tickets_unsent
                containerInstance ferry_desk_desk_events
                containerInstance freight_gate_moves
                containerInstance freight_gate_moves_dead
                containerInstance payments_charges
                containerInstance payments_charges_dead
            }
            deploymentNode "harbour" "The machine room on the quay. It works when the line to land is down." "on-premises" {
                deploymentNode "quay" "Four machines with systemd, in two fire sections." "hosts" {
                    containerInstance booking_crossings
                    containerInstance booking_sessions
                    containerInstance booking_snapshots
                    containerInstance ferry_desk_desk
                    containerInstance ferry_desk_desk_copies
                    containerInstance freight_declarations
                    containerInstance freight_manifests
                    containerInstance insight_board
                    containerInstance insight_lake
                    containerInstance insight_search
                    containerInstance payments_ledger
                    containerInstance payments_statements
                    containerInstance ferry_desk_desk_copy
                    containerInstance insight_bookings_to_lake
                    containerInstance insight_figures
                    containerInstance booking_bookings
                    containerInstance booking_recommendations
                    containerInstance booking_ticket_mailer
                    containerInstance booking_ticket_outbox
                    containerInstance booking_timetable
                    containerInstance booking_website
                    containerInstance ferry_desk_broker
                    containerInstance ferry_desk_closing
                    containerInstance ferry_desk_desk_service
                    containerInstance ferry_desk_greeter
                    containerInstance freight_customs
                    containerInstance freight_gate
                    containerInstance freight_load_manifests
                    containerInstance freight_weighbridge
                    containerInstance payments_charge
                    containerInstance payments_settle
                    containerInstance booking_booking_events
                    containerInstance booking_booking_events_dead
                    containerInstance booking_tickets_to_send
                    containerInstance booking_tickets_unsent
                    containerInstance ferry_desk_desk_events
                    containerInstance freight_gate_moves
                    containerInstance freight_gate_moves_dead
                    containerInstance payments_charges
                    containerInstance payments_charges_dead
                }
            }
        }
    }
    views {
        systemLandscape "landscape" {
            include *
            autoLayout lr
        }
        systemContext booking "booking-context" {
            include *
            autoLayout lr
        }
        container booking "booking-containers" {
            include *
            autoLayout lr
        }
        deployment booking "dev" "booking-in-dev" {
            include *
            autoLayout lr
        }
        deployment booking "staging" "booking-in-staging" {
            include *
            autoLayout lr
        }
        deployment booking "prod" "booking-in-prod" {
            include *
            autoLayout lr
        }
        systemContext ferry_desk "ferry-desk-context" {
            include *
            autoLayout lr
        }
        container ferry_desk "ferry-desk-containers" {
            include *
            autoLayout lr
        }
        deployment ferry_desk "dev" "ferry-desk-in-dev" {
            include *
            autoLayout lr
        }
        deployment ferry_desk "staging" "ferry-desk-in-staging" {
            include *
            autoLayout lr
        }
        deployment ferry_desk "prod" "ferry-desk-in-prod" {
            include *
            autoLayout lr
        }
        systemContext freight "freight-context" {
            include *
            autoLayout lr
        }
        container freight "freight-containers" {
            include *
            autoLayout lr
        }
        deployment freight "dev" "freight-in-dev" {
            include *
            autoLayout lr
        }
        deployment freight "staging" "freight-in-staging" {
            include *
            autoLayout lr
        }
        deployment freight "prod" "freight-in-prod" {
            include *
            autoLayout lr
        }
        systemContext insight "insight-context" {
            include *
            autoLayout lr
        }
        container insight "insight-containers" {
            include *
            autoLayout lr
        }
        deployment insight "dev" "insight-in-dev" {
            include *
            autoLayout lr
        }
        deployment insight "staging" "insight-in-staging" {
            include *
            autoLayout lr
        }
        deployment insight "prod" "insight-in-prod" {
            include *
            autoLayout lr
        }
        systemContext payments "payments-context" {
            include *
            autoLayout lr
        }
        container payments "payments-containers" {
            include *
            autoLayout lr
        }
        deployment payments "dev" "payments-in-dev" {
            include *
            autoLayout lr
        }
        deployment payments "staging" "payments-in-staging" {
            include *
            autoLayout lr
        }
        deployment payments "prod" "payments-in-prod" {
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
