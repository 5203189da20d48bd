using System.Globalization;
using System.Runtime.InteropServices;
using MailFlow.Chaos;
using MailFlow.Chaos.Esp;
using MailFlow.Data;
using MailFlow.Delivery;

// What it does and how to read it: see README.md in this folder.
if (args is ["esp", var mode, var log, var seed]) return await StubEsp.RunAsync(Enum.Parse<ReplayPolicy>(mode), log, int.Parse(seed, CultureInfo.InvariantCulture));
if (args is ["kafka"]) return await KafkaProcess.RunAsync();
using var stop = new CancellationTokenSource();
Action<PosixSignalContext> breakOff = signal =>
{
    signal.Cancel = true; // what was started is ended first
    stop.Cancel();
};
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, breakOff);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, breakOff);
try
{
    var options = ChaosOptions.Parse(args);
    var begin = TimeProvider.System.GetTimestamp();
    foreach (var fault in Plan.Draw(options.Seed, options.Length, options.Faults, options.Nodes)) Console.WriteLine($"plan {fault}");
    var verdict = await new ChaosRun(options, line => Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{TimeProvider.System.GetElapsedTime(begin).TotalSeconds,6:0.0}  {line}"))).RunAsync(stop.Token);
    Console.WriteLine(verdict);
    foreach (var finding in verdict.Findings.Take(100)) Console.WriteLine($"FAILED  {finding}");
    if (verdict.Findings.Count > 100) Console.WriteLine($"FAILED  and {verdict.Findings.Count - 100} more");
    Console.WriteLine(verdict.IsGood ? "every promise was kept" : $"replay: --seed {options.Seed} with the same arguments");
    return verdict.IsGood ? 0 : 1;
}
catch (OperationCanceledException)
{
    Console.Error.WriteLine("stopped before its end: nothing is known");
    return 3;
}
catch (InvalidInputException error)
{
    Console.Error.WriteLine(error.Message);
    return 2;
}
