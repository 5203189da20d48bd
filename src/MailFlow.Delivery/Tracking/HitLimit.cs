namespace MailFlow.Delivery.Tracking;

/// <summary>Bounds how many fetches of one mail's addresses are kept a minute, in little memory: whoever has a link can fetch it without end.</summary>
internal sealed class HitLimit(TimeProvider time)
{
    private const int Most = 60, Slots = 1 << 14, CountBits = 8;

    private readonly int[] _slots = new int[Slots];

    /// <summary>Whether this one is kept. Mails that share a slot share its bound.</summary>
    public bool Take(Guid messageId)
    {
        var minute = (int)(time.GetUtcNow().ToUnixTimeSeconds() / 60) << CountBits;
        ref var slot = ref _slots[(uint)messageId.GetHashCode() % Slots];
        while (true)
        {
            var before = Volatile.Read(ref slot);
            var count = (before & ~((1 << CountBits) - 1)) == minute ? before & ((1 << CountBits) - 1) : 0;
            if (count >= Most) return false;
            if (Interlocked.CompareExchange(ref slot, minute | (count + 1), before) == before) return true;
        }
    }
}
