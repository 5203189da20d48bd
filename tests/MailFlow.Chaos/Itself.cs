using System.Diagnostics;

namespace MailFlow.Chaos;

/// <summary>This program as a process of its own, told by its standard input and heard by its standard output; it ends with its input.</summary>
internal static class Itself
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    public static Process Start(params string[] arguments)
    {
        // Beside whoever runs this, the program or its tests: artifacts/bin/<project>/<configuration>.
        var output = new DirectoryInfo(AppContext.BaseDirectory);
        var program = Path.Combine(output.Parent!.Parent!.FullName, "MailFlow.Chaos", output.Name, "MailFlow.Chaos.dll");
        var process = Process.Start(new ProcessStartInfo("dotnet", [program, .. arguments]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        process.StandardInput.AutoFlush = true;
        return process;
    }

    public static async ValueTask EndAsync(Process process)
    {
        process.StandardInput.Close();
        if (!process.WaitForExit(Patience)) process.Kill();
        await process.WaitForExitAsync();
        process.Dispose();
    }
}
