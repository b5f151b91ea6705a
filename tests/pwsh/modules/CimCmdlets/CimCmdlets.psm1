# A stand-in for CimCmdlets that is found on PSModulePath and knows no instances.
function Get-CimInstance { [CmdletBinding()] param([string]$ClassName, [string]$Namespace, [string]$Filter) }
