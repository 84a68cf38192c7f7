"""The people of an installation, their invitations, and their roles in sites. How they sign in is accounts' work."""
