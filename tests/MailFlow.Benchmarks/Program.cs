using MailFlow.Benchmarks;
using MailFlow.Engine.Execution;
using MailFlow.Testing;

// What is measured, and where: see README.md in this folder.
var scenarios = new Dictionary<string, Func<BenchHost, Arguments, Task>>
{
    ["transitions"] = Transitions.RunAsync,
    ["intake"] = Intake.RunAsync,
    ["mails"] = Mails.RunAsync,
    ["webhooks"] = WebhookReports.RunAsync,
    ["waiting"] = Waiting.RunAsync,
    ["fairness"] = Waiting.FairnessAsync,
    ["simulate"] = Simulate.RunAsync,
};
if (args.Length == 0 || (args[0] is not ("latency" or "recovery" or "nodes") && !scenarios.ContainsKey(args[0])))
{
    Console.Error.WriteLine($"usage: dotnet run -c Release --project tests/MailFlow.Benchmarks -- {string.Join('|', scenarios.Keys)}|latency|recovery|nodes [--database sqlite|postgres] [--contacts N] [--workers N] [--batch N] [--provider sendgrid] [--per-call N] [--per-second N]");
    return 2;
}
var arguments = Arguments.Parse(args[1..]);
Report.Machine(args[0], arguments);
if (args[0] == "latency") return await Latency.RunAsync(arguments);
if (args[0] == "recovery") return await Recovery.RunAsync(arguments);
if (args[0] == "nodes") return await Nodes.RunAsync(arguments);
if (args[0] == "waiting" && arguments.PerSecond is null)
{
    await using var measured = await BenchHost.CreateAsync(arguments.Database);
    arguments = arguments with { PerSecond = await Waiting.HalfLoadAsync(measured, arguments) };
}
await using var host = await BenchHost.CreateAsync(arguments.Database, overHttp: args[0] == "mails" && arguments.Provider == "sendgrid", arguments.Batch);
await Report.DatabaseAsync(host);
await scenarios[args[0]](host, arguments);
return Report.ExitCode;

internal sealed record Arguments(DatabaseKind Database, int Contacts, int Workers, int Batch, string? Provider, int PerCall, int? PerSecond)
{
    public static Arguments Parse(string[] args)
    {
        string? Value(string name) => Array.IndexOf(args, name) is var at and >= 0 && at + 1 < args.Length ? args[at + 1] : null;
        var database = Value("--database") is "sqlite" ? DatabaseKind.Sqlite : DatabaseKind.PostgreSql;
        return new(database, int.Parse(Value("--contacts") ?? "0"), int.Parse(Value("--workers") ?? (database == DatabaseKind.Sqlite ? "1" : "2")), int.Parse(Value("--batch") ?? $"{Worker.BatchSize}"), Value("--provider"), int.Parse(Value("--per-call") ?? "250"), Value("--per-second") is { } rate ? int.Parse(rate) : null);
    }
}
