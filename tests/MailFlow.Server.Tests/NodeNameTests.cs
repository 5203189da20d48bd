using System.Diagnostics;
using MailFlow.Server.Hosting;

namespace MailFlow.Server.Tests;

/// <summary>Under one name, a start takes what the last one left for nobody's: no two running processes may have the same.</summary>
public sealed class NodeNameTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mailflow-node-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_process_that_starts_beside_another_in_the_same_directory_has_another_name()
    {
        var names = Enumerable.Range(0, 3).Select(_ => NodeName.Take(_folder)).ToList();

        Assert.Equal(3, names.Distinct().Count());
    }

    [Fact]
    public void The_same_path_on_another_machine_of_the_same_name_gives_another_name()
    {
        var other = Directory.CreateDirectory(Path.Combine(_folder, "other")).FullName;

        Assert.NotEqual(NodeName.Take(_folder), NodeName.Take(other));
    }

    /// <summary>The lock is the operating system's and dies with the process: here a program of another kind holds it and is killed.</summary>
    [Fact]
    public async Task A_start_takes_up_the_name_of_a_process_that_was_killed_and_not_of_one_that_runs()
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "node-1.name"), "first");
        using var running = Process.Start(new ProcessStartInfo("flock", [Path.Combine(_folder, "node-1.name"), "sh", "-c", "echo locked; exec sleep 600"]) { RedirectStandardOutput = true })!;
        try
        {
            Assert.Equal("locked", await running.StandardOutput.ReadLineAsync());
            Assert.DoesNotContain("first", NodeName.Take(_folder));
        }
        finally
        {
            running.Kill(entireProcessTree: true);
            await running.WaitForExitAsync();
            await running.StandardOutput.ReadToEndAsync(); // ends when the last that held it has
        }

        Assert.Equal($"{Environment.MachineName} first", NodeName.Take(_folder));
    }

    [Fact]
    public void Where_nothing_can_be_written_the_name_is_for_one_start()
    {
        var missing = Path.Combine(_folder, "missing");

        Assert.NotEqual(NodeName.Take(missing), NodeName.Take(missing));
    }
}
