"""What Ansible itself answers, kept as data, so that tests need no Ansible."""
