"""The module NetSecurity for a real PowerShell: every cmdlet of cmdlets.json as a function with its real parameters.

PowerShell's own binder does what parameter_binding.py imitates: names, aliases, parameter sets, enumerations of .NET, mandatory
values. What is bound goes to the machine. As with the module of Windows (CDXML), the cmdlets are functions and the
enumerations live in Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetSecurity.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from ringfence.lab.host_script.later_cmdlets import LATER
from ringfence.lab.netsecurity.parameter_binding import cmdlets

SPACE = "Microsoft.PowerShell.Cmdletization.GeneratedTypes.NetSecurity"
OBJECT = "InputObject (cdxml)"  # the name of that parameter set on Windows
_NUMBERS = {"Action": (0, 2, 4), "Direction": (1, 2), "Enabled": (1, 2)}  # MSFT_NetFirewallRule; all others count from 0
_TYPES = {"Boolean": "bool", "CimInstance": "psobject", "String": "string", "SwitchParameter": "switch",
          "UInt16": "uint16", "UInt32": "uint32", "UInt64": "uint64", "WildcardPattern": "WildcardPattern"}
_BY_OBJECT = ("Set", "Remove", "Rename", "Copy", "Enable", "Disable")

_HEAD = f"""\
if (-not ('{SPACE}.Enabled' -as [type])) {{
    $assembly = [System.Reflection.Emit.AssemblyBuilder]::DefineDynamicAssembly('NetSecurityTypes', 'Run')
    $module = $assembly.DefineDynamicModule('NetSecurityTypes')
    $flags = [System.Reflection.Emit.CustomAttributeBuilder]::new([FlagsAttribute].GetConstructor(@()), @())
    foreach ($line in $enums -split "`n") {{
        $name, $isFlags, $members = -split $line
        $enum = $module.DefineEnum("{SPACE}.$name", 'Public', [int])
        if ($isFlags -eq 'flags') {{ $enum.SetCustomAttribute($flags) }}
        foreach ($member in $members) {{
            $label, $number = $member -split '='
            $null = $enum.DefineLiteral($label, [int]$number)
        }}
        $null = $enum.CreateType()
    }}
}}
"""


def functions() -> dict[str, Mapping[str, Any]]:
    """Every function of the module by its name: the cmdlets of the table, and the Get- cmdlets with the selecting parameters.

    Get-* are not in the table; they find objects as Remove-* does (by name, display name or query, in a store).
    """
    table: dict[str, Mapping[str, Any]] = {c["name"]: c for c in cmdlets().values()}
    for name, cmdlet in list(table.items()):
        verb, _, noun = name.partition("-")
        if verb == "Remove":
            table[f"Get-{noun}"] = cmdlet
        if verb in _BY_OBJECT and noun not in ("NetFirewallProfile", "NetFirewallSetting", "NetIPsecDospSetting"):
            table[name] = {**cmdlet, "sets": [*cmdlet["sets"], OBJECT], "parameters": {
                **cmdlet["parameters"], "InputObject": {"type": "CimInstance[]", "sets": [OBJECT], "mandatory": [OBJECT]}}}
    for mode in ("Main", "Quick"):
        by_name = {"Name": {"type": "String[]", "mandatory": ["ByName"], "sets": ["ByName"]}}
        table[f"Get-NetIPsec{mode}ModeSA"] = {"sets": ["GetAll"], "default": "GetAll", "parameters": {}}
        table[f"Remove-NetIPsec{mode}ModeSA"] = {"sets": ["ByName"], "parameters": by_name}
    for noun in LATER:
        table[f"Get-{noun}"] = {"sets": ["GetAll"], "default": "GetAll", "parameters": {}}
    return table


def module_text() -> str:
    """The text of NetSecurity.psm1."""
    functions_ = "".join(_function(name, cmdlet) for name, cmdlet in functions().items())
    return f"$enums = @'\n{chr(10).join(_enums())}\n'@\n{_HEAD}{functions_}Export-ModuleMember -Function *-Net*\n"


def manifest_text() -> str:
    """The text of NetSecurity.psd1, by which PowerShell finds the module for a cmdlet."""
    names = ", ".join(f"'{name}'" for name in functions())
    return ("@{\nRootModule = 'NetSecurity.psm1'\nModuleVersion = '2.0.0.0'\nGUID = '4b26ff51-7aee-4731-9cf7-508b82532cbf'\n"
            f"FunctionsToExport = @({names})\nCmdletsToExport = @()\nAliasesToExport = @()\nVariablesToExport = @()\n}}\n")


def _enums() -> Iterator[str]:
    """One line an enumeration: name, `flags` or `plain`, members with their numbers."""
    seen: dict[str, str] = {}
    for cmdlet in cmdlets().values():
        for parameter in cmdlet["parameters"].values():
            name = parameter["type"].removesuffix("[]")
            if "values" in parameter and name not in seen:
                flags = parameter.get("flags", False)
                numbers = [(1 << n >> 1) if flags else _NUMBERS.get(name, range(99))[n]
                           for n in range(len(parameter["values"]))]
                members = " ".join(f"{v}={n}" for v, n in zip(parameter["values"], numbers, strict=True))
                seen[name] = f"{name} {'flags' if flags else 'plain'} {members}"
    yield from seen.values()


def _function(name: str, cmdlet: Mapping[str, Any]) -> str:
    default = f"DefaultParameterSetName = '{cmdlet['default']}', " if "default" in cmdlet else ""
    parameters = ",\n".join(_parameter(p, v, cmdlet["sets"]) for p, v in cmdlet["parameters"].items())
    return (f"function {name} {{\n    [CmdletBinding({default}PositionalBinding = $false)]\n    param(\n{parameters})\n"
            "    process { Invoke-LabCmdlet $PSCmdlet $PSBoundParameters }\n}\n")


def _parameter(name: str, declared: Mapping[str, Any], all_sets: list[str]) -> str:
    type_name, brackets = declared["type"].removesuffix("[]"), "[]" if declared["type"].endswith("[]") else ""
    mandatory = declared.get("mandatory", ())
    sets = declared.get("sets") or (all_sets if mandatory and list(mandatory) != all_sets else None)
    if sets is None:
        attributes = ["[Parameter(Mandatory)]" if mandatory else "[Parameter()]"]
    else:
        piped = ", ValueFromPipeline" if name == "InputObject" else ""
        attributes = [f"[Parameter(ParameterSetName = '{s}'{', Mandatory' if s in mandatory else ''}{piped})]" for s in sets]
    if aliases := declared.get("aliases"):
        attributes.append("[Alias(" + ", ".join(f"'{a}'" for a in aliases) + ")]")
    if type_name == "CimInstance":
        attributes.append("[PSTypeName('Microsoft.Management.Infrastructure.CimInstance')]")
    declared_type = f"{SPACE}.{type_name}" if "values" in declared else _TYPES[type_name]
    return f"        {''.join(attributes)}[{declared_type}{brackets}]${name}"
