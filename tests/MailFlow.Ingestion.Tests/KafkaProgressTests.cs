using Confluent.Kafka;
using MailFlow.Ingestion.Kafka;

namespace MailFlow.Ingestion.Tests;

/// <summary>What may be committed while records end in any order.</summary>
public sealed class KafkaProgressTests
{
    private static readonly TopicPartition One = new("t", 1), Two = new("t", 2);

    private readonly KafkaProgress _progress = new();
    private readonly Dictionary<(TopicPartition, long), TaskCompletionSource> _records = [];

    [Fact]
    public void An_offset_is_committed_when_its_record_and_all_before_it_are_handled()
    {
        Begin(One, 5, 6, 7);
        Begin(Two, 0);

        End(One, 6);
        Assert.Empty(_progress.Handled());
        End(One, 5);
        Assert.Equal([new(One, 7)], _progress.Handled());
        Assert.Empty(_progress.Handled());
        End(One, 7);
        End(Two, 0);
        Assert.Equal([new(One, 8), new(Two, 1)], _progress.Handled());
        Assert.Equal(0, _progress.UnderWay);
    }

    [Fact]
    public void Behind_a_record_that_failed_nothing_is_committed_and_it_is_read_again()
    {
        Begin(One, 5, 6, 7);
        End(One, 5);
        _records[(One, 6)].SetException(new InvalidOperationException());
        End(One, 7);

        Assert.Equal([new(One, 6)], _progress.Handled());
        Assert.Equal([new(One, 6)], _progress.Failed());
        Assert.Empty(_progress.Failed());
        Assert.Equal(0, _progress.UnderWay);
    }

    [Fact]
    public void Of_a_partition_that_is_anothers_nothing_is_committed()
    {
        Begin(One, 5);
        Begin(Two, 9);
        Assert.Single(_progress.Of([One]));

        _progress.Forget(One);
        End(One, 5);
        End(Two, 9);

        Assert.Equal([new(Two, 10)], _progress.Handled());
    }

    [Fact]
    public void What_is_asked_of_some_partitions_leaves_that_of_the_others_for_the_next_to_ask()
    {
        Begin(One, 5);
        Begin(Two, 9);
        End(One, 5);
        End(Two, 9);

        Assert.Equal([new(One, 6)], _progress.Handled([One]));
        Assert.Equal([new(Two, 10)], _progress.Handled());
    }

    private void Begin(TopicPartition partition, params long[] offsets)
    {
        foreach (var offset in offsets) _progress.Begin(new(partition, offset), (_records[(partition, offset)] = new()).Task);
    }

    private void End(TopicPartition partition, long offset) => _records[(partition, offset)].SetResult();
}
