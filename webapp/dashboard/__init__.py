"""The overview and pages that gather several apps."""
