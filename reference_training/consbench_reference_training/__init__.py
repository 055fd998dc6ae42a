"""The reference trainer: section 3 of the paper, from weak part labels to a checkpoint."""
