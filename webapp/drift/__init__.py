"""What happens when a merged group no longer keeps its accuracy: reverted, and merged anew with fresh frames."""
