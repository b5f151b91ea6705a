"""By which number the firewall's events name a setting: its place in the enumerations of [MS-FASP] 2.2.38 and 2.2.42."""

import pytest
from core import KINDS

# FW_PROFILE_CONFIG and FW_GLOBAL_CONFIG, in their order from 1 on: the property that has it; what stands alone no kind has
ENUMERATIONS = {
    "firewall_profile": """
        ENABLE_FW                                      enabled
        DISABLE_STEALTH_MODE
        SHIELDED                                       allow_inbound_rules
        DISABLE_UNICAST_RESPONSES_TO_MULTICAST         allow_unicast_response_to_multicast
        LOG_DROPPED_PACKETS                            log_blocked
        LOG_SUCCESS_CONNECTIONS                        log_allowed
        LOG_IGNORED_RULES                              log_ignored
        LOG_MAX_FILE_SIZE                              log_max_size_kilobytes
        LOG_FILE_PATH                                  log_file_name
        DISABLE_INBOUND_NOTIFICATIONS                  notify_on_listen
        AUTH_APPS_ALLOW_USER_PREF_MERGE                allow_user_apps
        GLOBAL_PORTS_ALLOW_USER_PREF_MERGE             allow_user_ports
        ALLOW_LOCAL_POLICY_MERGE                       allow_local_firewall_rules
        ALLOW_LOCAL_IPSEC_POLICY_MERGE                 allow_local_ipsec_rules
        DISABLED_INTERFACES                            disabled_interface_aliases
        DEFAULT_OUTBOUND_ACTION                        default_outbound_action
        DEFAULT_INBOUND_ACTION                         default_inbound_action
        DISABLE_STEALTH_MODE_IPSEC_SECURED_PACKET_EXEMPTION enable_stealth_mode_for_ipsec""",
    "firewall_setting": """
        POLICY_VERSION_SUPPORTED
        CURRENT_PROFILE
        DISABLE_STATEFUL_FTP                           enable_stateful_ftp
        DISABLE_STATEFUL_PPTP                          enable_stateful_pptp
        SA_IDLE_TIME                                   max_sa_idle_time_seconds
        PRESHARED_KEY_ENCODING                         key_encoding
        IPSEC_EXEMPT                                   exemptions
        CRL_CHECK                                      cert_validation_level
        IPSEC_THROUGH_NAT                              allow_ipsec_through_nat
        POLICY_VERSION
        BINARY_VERSION_SUPPORTED
        IPSEC_TUNNEL_REMOTE_MACHINE_AUTHORIZATION_LIST remote_machine_tunnel_authorization_list
        IPSEC_TUNNEL_REMOTE_USER_AUTHORIZATION_LIST    remote_user_tunnel_authorization_list
        OPPORTUNISTICALLY_MATCH_AUTH_SET_PER_KM        require_full_auth_support
        IPSEC_TRANSPORT_REMOTE_MACHINE_AUTHORIZATION_LIST remote_machine_transport_authorization_list
        IPSEC_TRANSPORT_REMOTE_USER_AUTHORIZATION_LIST remote_user_transport_authorization_list
        ENABLE_PACKET_QUEUE                            enable_packet_queuing""",
}


@pytest.mark.parametrize("kind", ENUMERATIONS)
def test_settings_have_their_place_in_the_enumeration(kind: str) -> None:
    words = [line.split() for line in ENUMERATIONS[kind].strip().splitlines()]
    expected = {word[1]: number for number, word in enumerate(words, 1) if len(word) == 2}
    assert {p.name: p.setting_type for p in KINDS[kind].properties.values() if p.setting_type} == expected


def test_no_other_kind_has_settings_that_events_name() -> None:
    assert {kind.name for kind in KINDS.values() for p in kind.properties.values() if p.setting_type} == ENUMERATIONS.keys()
