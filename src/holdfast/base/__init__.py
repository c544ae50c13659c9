"""Words all layers share: errors, ids, sizes, time, texts. Standard library only."""
