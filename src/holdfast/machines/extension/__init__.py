"""The guest extension: what tells applications in a guest that their disks are about to be copied."""
