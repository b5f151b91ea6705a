"""What ringfence writes for programs: documents, events, journals. One form of each thing, whoever writes it."""
