"""What the image says about itself."""
