"""What a release is made of, and how it is tried: RELEASING.md says when, .github/workflows/release.yml runs the steps."""
