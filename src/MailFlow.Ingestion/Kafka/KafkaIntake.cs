using Confluent.Kafka;
using MailFlow.Data;
using MassTransit.Transports;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace MailFlow.Ingestion.Kafka;

/// <summary>
/// Reads the topic as one of its consumer group and dispatches each record, in the order of its partition, into the consumer that RabbitMQ's messages go to as well. An offset
/// is committed once its record and all before it are in the database; when too much is under way the partitions are paused, while the group still hears from us.
/// </summary>
internal sealed partial class KafkaIntake(
    IngestionOptions options, IReceiveEndpointDispatcherFactory dispatchers, IngestionMeter meter, Database database, ILogger<KafkaIntake> log) : BackgroundService
{
    private const int SettleEvery = 100;
    private static readonly TimeSpan TellEvery = TimeSpan.FromMinutes(1);
    private static readonly Dictionary<string, object> NoHeaders = [];
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(50), Patience = TimeSpan.FromSeconds(1), LastMoments = TimeSpan.FromSeconds(5), LeaveWithin = TimeSpan.FromSeconds(7);

    private readonly KafkaProgress _progress = new();
    private readonly Dictionary<ErrorCode, DateTimeOffset> _told = [];
    private KafkaLag _lag = null!; // of the consumer at hand
    private bool _paused, _newPartitions;
    private ulong _sequence;
    private int _failures;

    /// <inheritdoc/>
    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.Factory.StartNew(() => Run(stoppingToken), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private void Run(CancellationToken stopping)
    {
        meter.Begin();
        var dispatcher = dispatchers.CreateConsumerReceiver<EventBatchConsumer>(options.Kafka.Topic);
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var consumer = Build();
                using var underWay = new CancellationTokenSource();
                using var lag = _lag = new KafkaLag(consumer, options.Kafka.Topic, meter, database.Time);
                try
                {
                    consumer.Subscribe(options.Kafka.Topic);
                    Read(consumer, dispatcher, underWay.Token, stopping);
                }
                finally
                {
                    lag.Stop();
                    Leave(consumer);
                    underWay.Cancel();
                }
                return;
            }
            catch (Exception error) when (!stopping.IsCancellationRequested)
            {
                var pause = Lane.PauseAfter(_failures++);
                Failed(pause.TotalSeconds, error);
                stopping.WaitHandle.WaitOne(pause);
            }
            catch (Exception error)
            {
                NotClosed(error);
            }
        }
    }

    /// <summary>
    /// Finishes what is under way, commits, and leaves the group. A group that just then deals out its partitions anew takes no commits, and the library would wait for the end of that:
    /// the node does not, and what was not committed comes again, as duplicates.
    /// </summary>
    private void Leave(IConsumer<byte[], byte[]> consumer)
    {
        if (Task.Run(consumer.Close).Wait(LeaveWithin)) consumer.Dispose();
        else NotLeft(LeaveWithin);
    }

    private IConsumer<byte[], byte[]> Build()
    {
        var config = options.Kafka.Connect<ConsumerConfig>();
        config.GroupId = options.Kafka.Group;
        config.PartitionAssignmentStrategy = PartitionAssignmentStrategy.CooperativeSticky;
        config.AutoOffsetReset = AutoOffsetReset.Earliest; // what was sent before the first start is not lost
        (config.EnableAutoCommit, config.EnableAutoOffsetStore, config.AutoCommitIntervalMs) = (true, false, 1_000); // commits what we store, and we store what is handled
        (config.SessionTimeoutMs, config.HeartbeatIntervalMs) = (10_000, 2_000);
        return new ConsumerBuilder<byte[], byte[]>(config)
            .SetPartitionsAssignedHandler((_, partitions) => Take(partitions))
            .SetPartitionsRevokedHandler((consumer, partitions) => GiveUp(consumer, [.. partitions.Select(place => place.TopicPartition)]))
            .SetPartitionsLostHandler((_, partitions) => Lose([.. partitions.Select(place => place.TopicPartition)]))
            .SetErrorHandler((_, error) => Tell(error))
            .SetLogHandler((_, _) => { }) // the errors among them come to the handler above
            .Build();
    }

    private void Read(IConsumer<byte[], byte[]> consumer, IReceiveEndpointDispatcher dispatcher, CancellationToken underWay, CancellationToken stopping)
    {
        for (var count = 1; !stopping.IsCancellationRequested; count++)
        {
            var record = Next(consumer, stopping);
            if (record is not null)
                _progress.Begin(record.TopicPartitionOffset, dispatcher.Dispatch(record.Message.Value ?? [], NoHeaders, underWay, KafkaOrigin.Of(record, ++_sequence)));
            if (record is not null && count % SettleEvery != 0) continue;
            Settle(consumer, stopping);
            Hold(consumer, stopping);
        }
    }

    private ConsumeResult<byte[], byte[]>? Next(IConsumer<byte[], byte[]> consumer, CancellationToken stopping)
    {
        try
        {
            return consumer.Consume(Poll);
        }
        catch (ConsumeException error) when (!error.Error.IsFatal)
        {
            Tell(error.Error); // the topic is not there yet, or we may not read it: asked again until it is mended
            stopping.WaitHandle.WaitOne(Patience);
            return null;
        }
    }

    /// <summary>Stores what may be committed, and goes back to what failed.</summary>
    private void Settle(IConsumer<byte[], byte[]> consumer, CancellationToken stopping)
    {
        foreach (var place in _progress.Handled())
        {
            consumer.StoreOffset(place);
            _lag.Handled(place);
            _failures = 0; // it works
        }
        foreach (var place in _progress.Failed())
        {
            Again(place.Partition.Value, place.Offset.Value);
            stopping.WaitHandle.WaitOne(Patience);
            consumer.Seek(place);
        }
    }

    /// <summary>When too much is under way: waits a moment, and if that does not do it pauses the partitions until half of it is done.</summary>
    private void Hold(IConsumer<byte[], byte[]> consumer, CancellationToken stopping)
    {
        var underWay = _progress.UnderWay;
        if (_paused && underWay <= options.Kafka.UnderWay / 2)
        {
            consumer.Resume(consumer.Assignment);
            SetPaused(false);
        }
        else if (_paused && _newPartitions) consumer.Pause(consumer.Assignment);
        else if (!_paused && underWay >= options.Kafka.UnderWay && !Wait(_progress.Oldest(), Patience, stopping))
        {
            consumer.Pause(consumer.Assignment);
            SetPaused(true);
        }
        _newPartitions = false;
    }

    private void SetPaused(bool paused)
    {
        meter.Paused(_paused = paused);
        if (paused) Paused(options.Kafka.UnderWay);
        else Resumed();
    }

    private void Take(List<TopicPartition> partitions)
    {
        _lag.Take(partitions);
        _newPartitions = true;
        if (partitions.Count > 0) Assigned(Names(partitions));
    }

    /// <summary>The group gives partitions to another: what is under way of them is finished, if that is soon, so that the other need not do it again.</summary>
    private void GiveUp(IConsumer<byte[], byte[]> consumer, List<TopicPartition> partitions)
    {
        Revoked(Names(partitions));
        Wait(_progress.Of(partitions), LastMoments, CancellationToken.None);
        foreach (var place in _progress.Handled(partitions)) consumer.StoreOffset(place);
        Forget(partitions);
    }

    private void Lose(List<TopicPartition> partitions)
    {
        Lost(Names(partitions));
        Forget(partitions);
    }

    private void Forget(List<TopicPartition> partitions)
    {
        foreach (var partition in partitions) _progress.Forget(partition);
        _lag.Forget(partitions);
    }

    /// <summary>Whether all have ended in time, well or not.</summary>
    private static bool Wait(Task[] tasks, TimeSpan patience, CancellationToken ct)
    {
        try
        {
            return Task.WaitAll(tasks, (int)patience.TotalMilliseconds, ct);
        }
        catch (Exception error) when (error is AggregateException or OperationCanceledException)
        {
            return true;
        }
    }

    private void Tell(Error error)
    {
        if (error.Code == ErrorCode.Local_AllBrokersDown) meter.Connected(false);
        var now = database.Time.GetUtcNow();
        if (_told.TryGetValue(error.Code, out var last) && now - last < TellEvery) return; // it is tried again many times a minute
        _told[error.Code] = now;
        Trouble(error.Reason, error.Code);
    }

    private static string Names(IEnumerable<TopicPartition> partitions) => string.Join(", ", partitions.Select(partition => partition.Partition.Value).Order());

    [LoggerMessage(EventId = 10, Level = LogLevel.Error, Message = "Reading from Kafka failed; next try in {Seconds} s")]
    private partial void Failed(double seconds, Exception error);

    [LoggerMessage(EventId = 11, Level = LogLevel.Warning, Message = "Reading from Kafka ended with an error; the consumer group notices by itself that this node is gone")]
    private partial void NotClosed(Exception error);

    [LoggerMessage(EventId = 12, Level = LogLevel.Information, Message = "Kafka gives this node the partitions {Partitions}")]
    private partial void Assigned(string partitions);

    [LoggerMessage(EventId = 13, Level = LogLevel.Information, Message = "Kafka takes the partitions {Partitions} to give them to another node")]
    private partial void Revoked(string partitions);

    [LoggerMessage(EventId = 14, Level = LogLevel.Warning, Message = "This node has lost the partitions {Partitions}: the group did not hear from it in time")]
    private partial void Lost(string partitions);

    [LoggerMessage(EventId = 15, Level = LogLevel.Error, Message = "A record could not be handled; partition {Partition} is read again from offset {Offset}")]
    private partial void Again(int partition, long offset);

    [LoggerMessage(EventId = 16, Level = LogLevel.Warning, Message = "{Count} records are under way; the partitions are paused")]
    private partial void Paused(int count);

    [LoggerMessage(EventId = 17, Level = LogLevel.Information, Message = "The partitions are read again")]
    private partial void Resumed();

    [LoggerMessage(EventId = 18, Level = LogLevel.Warning, Message = "Kafka: {Reason} ({Code})")]
    private partial void Trouble(string reason, ErrorCode code);

    [LoggerMessage(EventId = 19, Level = LogLevel.Warning, Message = "The consumer group could not be left within {Patience}; it notices by itself, and what was not committed comes again")]
    private partial void NotLeft(TimeSpan patience);
}
