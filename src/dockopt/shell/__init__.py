"""The script in a RUN, CMD, HEALTHCHECK or heredoc: parsed by tree-sitter-bash, edited by span."""
