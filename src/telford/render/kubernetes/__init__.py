"""Target `kubernetes`: plain manifests."""
