"""ringfence: Windows Defender Firewall and IPsec, declared as YAML, compared, converged and proven."""

__version__ = "0.1.0"
