# Completion of kubectl-oom for PowerShell, in your $PROFILE:
#   kubectl-oom completion powershell | Out-String | Invoke-Expression
# Written by that command.
Register-ArgumentCompleter -Native -CommandName 'kubectl-oom', 'kubectl-oom.exe' -ScriptBlock {
    param($WordToComplete, $CommandAst, $CursorPosition)

    $Elements = @($CommandAst.CommandElements | Where-Object { $_.Extent.StartOffset -lt $CursorPosition })
    $Words = @($Elements | Select-Object -Skip 1 | ForEach-Object {
        $_.Extent.Text.Substring(0, [Math]::Min($_.Extent.Text.Length, $CursorPosition - $_.Extent.StartOffset))
    })
    $Ended = $Elements.Count -gt 0 -and $Elements[-1].Extent.EndOffset -lt $CursorPosition
    $Last = if ($Ended -or $Words.Count -eq 0) { '' } else { $Words[-1] }
    if ($Ended -or $Words.Count -eq 0) {
        # Before 7.3 PowerShell drops an empty argument, unless it brings its own quotes.
        $Legacy = $PSVersionTable.PSVersion -lt [version]'7.3' -or $PSNativeCommandArgumentPassing -eq 'Legacy'
        $Words += if ($Legacy) { '""' } else { '' }
    }
    $Flag = if ($Last -match '^(-[^=]*=)') { $Matches[1] } else { '' }

    $Lines = @(& $Elements[0].Extent.Text __complete @Words 2>$null)
    foreach ($Line in $Lines) {
        if ($Line -match '^:\d+$') { continue }
        $Value, $Note = $Line -split "`t", 2
        $Text = $Flag + $Value
        if (-not $Text.StartsWith($Last)) { continue }
        if (-not $Note) { $Note = $Value }
        $Quoted = if ($Text -match '[\s''"`$(){}|&;<>@#,]') { "'" + ($Text -replace "'", "''") + "'" } else { $Text }
        [System.Management.Automation.CompletionResult]::new($Quoted, $Value, 'ParameterValue', $Note)
    }
}
