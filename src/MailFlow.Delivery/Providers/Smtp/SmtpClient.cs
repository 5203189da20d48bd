namespace MailFlow.Delivery.Providers.Smtp;

/// <summary>
/// Hands mails to one relay over a bounded number of connections that are kept and used again. Safe for use by many
/// callers at once; those beyond <see cref="SmtpOptions.MaxConnections"/> wait their turn.
/// </summary>
internal sealed class SmtpClient : IAsyncDisposable
{
    private readonly SmtpOptions _options;
    private readonly TimeProvider _time;
    private readonly SemaphoreSlim _slots;
    private readonly Stack<SmtpConnection> _idle = new();
    private readonly ITimer _sweep;
    private bool _disposed;

    /// <exception cref="ArgumentException">The options cannot be used; the message names each field.</exception>
    public SmtpClient(SmtpOptions options, TimeProvider time)
    {
        if (options.Validate() is { Count: > 0 } errors)
            throw new ArgumentException(string.Join(' ', errors), nameof(options));
        (_options, _time) = (options, time);
        _slots = new SemaphoreSlim(options.MaxConnections);
        var period = TimeSpan.FromSeconds(options.IdleSeconds);
        _sweep = time.CreateTimer(_ => _ = CloseIdleAsync(), null, period, period);
    }

    /// <summary>Sends one mail and says what became of it. See <see cref="SmtpResult"/> for what each answer promises.</summary>
    /// <param name="message">The mail as <see cref="MimeMessageWriter"/> writes it: CRLF line ends, not yet dot-stuffed.</param>
    /// <param name="ct">
    /// Ends the attempt. Before the final dot it throws and the mail was not taken; after it, the reply is still
    /// waited for, for <see cref="SmtpConnection.Grace"/> at most, and the call returns a result.
    /// </param>
    /// <exception cref="ArgumentException">The octets are no mail: a bare line feed, a line that is too long.</exception>
    /// <exception cref="OperationCanceledException">Cancelled before the final dot was written.</exception>
    public async Task<SmtpResult> SendAsync(SmtpEnvelope envelope, ReadOnlyMemory<byte> message, CancellationToken ct)
    {
        if (envelope.To == default)
            throw new ArgumentException("The envelope has no recipient.", nameof(envelope));
        if (MailData.WhyNot(message.Span) is { } reason)
            throw new ArgumentException($"The mail cannot be sent: {reason}.", nameof(message));

        await _slots.WaitAsync(ct);
        try
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            // A relay may have closed a kept connection while nobody looked. That says nothing about this mail, which
            // gets a fresh one; only a fresh connection's failure counts.
            if (TakeIdle() is { } kept)
            {
                try
                {
                    return await SendAsync(kept, envelope, message, ct);
                }
                catch (SmtpRefusal)
                {
                }
            }

            return await SendAsync(await SmtpConnection.OpenAsync(_options, _time, ct), envelope, message, ct);
        }
        catch (SmtpRefusal refusal)
        {
            return refusal.Result;
        }
        finally
        {
            _slots.Release();
        }
    }

    /// <summary>Closes the kept connections. Sends still under way finish first on connections of their own, which close after them.</summary>
    public async ValueTask DisposeAsync()
    {
        await _sweep.DisposeAsync();
        List<SmtpConnection> closing;
        lock (_idle)
        {
            _disposed = true;
            closing = [.. _idle];
            _idle.Clear();
        }

        foreach (var connection in closing)
            await connection.QuitAsync();
    }

    private async Task<SmtpResult> SendAsync(SmtpConnection connection, SmtpEnvelope envelope, ReadOnlyMemory<byte> message, CancellationToken ct)
    {
        try
        {
            return await connection.SendAsync(envelope, message, ct);
        }
        finally
        {
            await GiveBackAsync(connection);
        }
    }

    private async ValueTask GiveBackAsync(SmtpConnection connection)
    {
        if (!connection.IsUsable)
        {
            await connection.DisposeAsync();
            return;
        }

        if (connection.Mails < _options.MaxMessagesPerConnection)
        {
            lock (_idle)
            {
                if (!_disposed)
                {
                    _idle.Push(connection);
                    return;
                }
            }
        }

        await connection.QuitAsync();
    }

    /// <summary>The connection used last, so that those beyond the need grow old and are closed.</summary>
    private SmtpConnection? TakeIdle()
    {
        lock (_idle)
            return _idle.TryPop(out var connection) ? connection : null;
    }

    private async Task CloseIdleAsync()
    {
        var eldest = _time.GetUtcNow() - TimeSpan.FromSeconds(_options.IdleSeconds);
        List<SmtpConnection> closing = [];
        lock (_idle)
        {
            var kept = _idle.Reverse().ToList();
            _idle.Clear();
            foreach (var connection in kept)
            {
                if (connection.IdleSince <= eldest)
                    closing.Add(connection);
                else
                    _idle.Push(connection);
            }
        }

        foreach (var connection in closing)
            await connection.QuitAsync();
    }
}
