"""What is known of a document and why. Unknown never authorises a change."""
