"""Reading what an exhibit says about itself. Everything here but ``facade`` runs in the confined decoder child."""
