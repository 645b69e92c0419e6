"""What has landed: which vendors there are, which files, and what each file says of itself."""
