using System.Diagnostics;
using System.Runtime.CompilerServices;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Deliverability;

/// <summary>Debian's python3-dkim, which asks a real DNS server for the key.</summary>
internal static class ForeignVerifier
{
    /// <summary>Whether a signature of the mail holds.</summary>
    public static async Task<bool> AcceptsAsync(RealDnsServer dns, byte[] mail, [CallerFilePath] string thisFile = "")
    {
        var start = new ProcessStartInfo("/usr/bin/python3") { RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add(Path.Combine(Path.GetDirectoryName(thisFile)!, "verify_dkim.py"));
        start.ArgumentList.Add(dns.Port.ToString());
        using var process = Process.Start(start)!;
        var (said, wrong) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.StandardInput.BaseStream.WriteAsync(mail);
        process.StandardInput.Close();
        await process.WaitForExitAsync();
        return (await said).Trim() switch
        {
            "pass" => true,
            "fail" => false,
            _ => throw new InvalidOperationException($"The verifier did not run (as root on Debian: apt-get install python3-dkim python3-dnspython): {await wrong}"),
        };
    }
}
