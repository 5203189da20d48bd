using System.Diagnostics;
using MailFlow.Data;

namespace MailFlow.Chaos.Seam;

/// <summary>
/// Dies or stops at a labelled point when it has been told to. The order is a file of one line, <c>KILL sender.provider.after-call 3</c>: a signal, a point, and at which arrival from
/// now; it is taken up within a tenth of a second and carried out once.
/// </summary>
internal sealed class OrderedFaults : IFaultPoints
{
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(100);

    private readonly Timer _timer;
    private readonly string _file;
    private Order? _order;

    public OrderedFaults(string file)
    {
        _file = file;
        _timer = new Timer(_ => TakeUp(), null, Look, Look);
    }

    /// <summary>Gives an order to the node that reads this file; it is there whole or not at all.</summary>
    public static void Give(string file, string signal, string point, int arrival)
    {
        File.WriteAllText(file + ".new", $"{signal} {point} {arrival}");
        File.Move(file + ".new", file, overwrite: true);
    }

    public void Reach(string name)
    {
        if (Volatile.Read(ref _order) is not { } order || order.Point != name || Interlocked.Decrement(ref order.Arrivals) != 0) return;
        Volatile.Write(ref _order, null);
        using var sent = Process.Start("kill", [$"-{order.Signal}", $"{Environment.ProcessId}"]);
        sent.WaitForExit(); // a killed process does not come back from here, a stopped one goes on when it is thawed
    }

    private void TakeUp()
    {
        try
        {
            if (!File.Exists(_file)) return;
            var words = File.ReadAllText(_file).Split(' ');
            File.Delete(_file);
            Volatile.Write(ref _order, new Order(words[0], words[1]) { Arrivals = int.Parse(words[2]) });
        }
        catch (IOException)
        {
            // It is being replaced; the next look finds it.
        }
    }

    private sealed record Order(string Signal, string Point)
    {
        public int Arrivals;
    }
}
