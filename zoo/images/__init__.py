"""Picture files of any kind in and out."""
