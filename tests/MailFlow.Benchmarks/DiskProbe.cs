using System.Diagnostics;

namespace MailFlow.Benchmarks;

/// <summary>
/// How long the disk takes for a little that must be durable, beside what is measured: every commit waits for such a write. On shared machines the disk may stall for longer than all of a batch takes; the
/// stall is then in the figures, and to be told from what the engine does.
/// </summary>
internal sealed class DiskProbe : IDisposable
{
    private const int Bytes = 8_192, Blocks = 128;
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(50);

    private readonly List<(double Ms, double At)> _writes = [];
    private readonly ManualResetEventSlim _ended = new();
    private readonly Thread _thread;

    /// <param name="watch">Tells the instants.</param>
    public DiskProbe(Stopwatch watch) => _thread = new Thread(() => Write(watch)) { IsBackground = true }; // of its own: the pool's are busy with what is measured

    public void Start() => _thread.Start();

    /// <summary>Ends it. Each write: how many milliseconds it took, and in which second it began.</summary>
    public IReadOnlyList<(double Ms, double At)> Stop()
    {
        _ended.Set();
        if (_thread.IsAlive) _thread.Join();
        return _writes;
    }

    public void Dispose() => Stop();

    private void Write(Stopwatch watch)
    {
        var path = Path.GetTempFileName(); // the database's folder is beside it
        using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.None, bufferSize: 0, FileOptions.WriteThrough | FileOptions.DeleteOnClose))
        {
            var block = new byte[Bytes];
            for (var i = 0; i < Blocks; i++) file.Write(block); // from here on the file does not grow
            while (!_ended.Wait(Every))
            {
                file.Position = _writes.Count % Blocks * Bytes;
                var begun = watch.Elapsed;
                file.Write(block);
                _writes.Add(((watch.Elapsed - begun).TotalMilliseconds, begun.TotalSeconds));
            }
        }
    }
}
