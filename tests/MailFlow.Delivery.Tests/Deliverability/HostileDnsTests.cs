using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using MailFlow.Delivery.Deliverability.Dns;
using MailFlow.Testing;

namespace MailFlow.Delivery.Tests.Deliverability;

/// <summary>Replies as an attacker or a broken server writes them, by a scripted socket.</summary>
public sealed class HostileDnsTests : IDisposable
{
    private readonly UdpClient _server = new(new IPEndPoint(IPAddress.Loopback, 0));
    private readonly FakeTime _time = new();

    private int Port => ((IPEndPoint)_server.Client.LocalEndPoint!).Port;

    public void Dispose() => _server.Dispose();

    // Each seen to end in the honest answer, not in an exception or a loop.
    [Theory]
    [InlineData("another id")]
    [InlineData("a question, not a reply")]
    [InlineData("another name")]
    [InlineData("another type")]
    [InlineData("no question")]
    [InlineData("two questions")]
    [InlineData("header alone")]
    [InlineData("five octets")]
    [InlineData("a name that points to itself")]
    [InlineData("a name that points ahead")]
    [InlineData("a name that points into the header")]
    [InlineData("a label beyond the end")]
    [InlineData("a label of an unknown kind")]
    [InlineData("data beyond the end")]
    [InlineData("an address of five octets")]
    [InlineData("more answers than there are")]
    [InlineData("sixty thousand answers")]
    [InlineData("names that add up to more than 255 octets")]
    public async Task What_is_no_reply_to_our_question_is_passed_over_and_the_honest_reply_taken(string trick)
    {
        var asked = Ask("shop.test", DnsType.A);
        var question = await _server.ReceiveAsync();
        await ReplyAsync(question, Trick(trick, question.Buffer));
        await ReplyAsync(question, Reply(question.Buffer, answers: 1, Record([0xC0, 12], 1, [192, 0, 2, 7])));

        Assert.Equal("192.0.2.7", Assert.Single((await asked).Records).Text);
    }

    [Fact]
    public async Task A_reply_from_another_port_is_not_heard()
    {
        var asked = Ask("shop.test", DnsType.A);
        var question = await _server.ReceiveAsync();
        using (var stranger = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0)))
            await stranger.SendAsync(Reply(question.Buffer, 1, Record([0xC0, 12], 1, [6, 6, 6, 6])), question.RemoteEndPoint);
        await ReplyAsync(question, Reply(question.Buffer, 1, Record([0xC0, 12], 1, [192, 0, 2, 7])));

        Assert.Equal("192.0.2.7", Assert.Single((await asked).Records).Text);
    }

    [Fact]
    public async Task Records_of_other_names_are_no_answer()
    {
        var asked = Ask("shop.test", DnsType.A);
        var question = await _server.ReceiveAsync();
        await ReplyAsync(question, Reply(question.Buffer, 1, Record([.. "\u0004evil\u0004test\0"u8], 1, [6, 6, 6, 6])));

        Assert.Equal(DnsOutcome.NoData, (await asked).Outcome);
    }

    [Fact]
    public async Task Each_question_has_a_new_id_and_port()
    {
        var (ids, ports) = (new HashSet<int>(), new HashSet<int>());
        for (var n = 0; n < 8; n++)
        {
            var asked = Ask("shop.test", DnsType.A);
            var question = await _server.ReceiveAsync();
            ids.Add(BinaryPrimitives.ReadUInt16BigEndian(question.Buffer));
            ports.Add(question.RemoteEndPoint.Port);
            await ReplyAsync(question, Reply(question.Buffer, 0));
            await asked;
        }
        Assert.True(ids.Count >= 7, "ids repeat"); // two of eight random ids alike: once in two thousand runs; three alike, never
        Assert.True(ports.Count > 1, "ports repeat");
    }

    [Fact]
    public async Task Who_is_silent_is_asked_again_and_then_given_up()
    {
        var asked = Ask("shop.test", DnsType.A);
        for (var round = 0; round < 2; round++)
        {
            await _server.ReceiveAsync();
            _time.Advance(TimeSpan.FromSeconds(3));
        }
        Assert.Equal(DnsOutcome.TimedOut, (await asked).Outcome);
    }

    [Fact]
    public async Task Who_knows_no_edns_is_asked_without()
    {
        var asked = Ask("shop.test", DnsType.A);
        var first = await _server.ReceiveAsync();
        Assert.Equal(1, first.Buffer[11]);
        await ReplyAsync(first, [first.Buffer[0], first.Buffer[1], 0x81, 0x81, 0, 0, 0, 0, 0, 0, 0, 0]);
        var second = await _server.ReceiveAsync();
        Assert.Equal(0, second.Buffer[11]);
        await ReplyAsync(second, Reply(second.Buffer, 1, Record([0xC0, 12], 1, [192, 0, 2, 7])));

        Assert.Equal(DnsOutcome.Found, (await asked).Outcome);
    }

    [Fact]
    public async Task Aliases_that_go_round_in_circles_end()
    {
        var asked = Ask("a.test", DnsType.A);
        for (var n = 0; !asked.IsCompleted && n < 20; n++)
        {
            var receiving = _server.ReceiveAsync();
            if (await Task.WhenAny(receiving, asked) == asked) break;
            var question = await receiving;
            byte[] other = question.Buffer[13] == 'a' ? [.. "\u0001b\u0004test\0"u8] : [.. "\u0001a\u0004test\0"u8];
            await ReplyAsync(question, Reply(question.Buffer, 1, Record([0xC0, 12], 5, other)));
        }
        Assert.Equal(DnsOutcome.ServerFailure, (await asked).Outcome);
    }

    [Fact]
    public async Task Aliases_within_one_reply_that_go_round_in_circles_end()
    {
        var asked = Ask("a.test", DnsType.A);
        var question = await _server.ReceiveAsync();
        await ReplyAsync(question, Reply(question.Buffer, 2,
            Record([.. "\u0001a\u0004test\0"u8], 5, [.. "\u0001b\u0004test\0"u8]), Record([.. "\u0001b\u0004test\0"u8], 5, [.. "\u0001a\u0004test\0"u8])));

        Assert.Equal(DnsOutcome.ServerFailure, (await asked).Outcome);
    }

    [Fact]
    public void Random_octets_are_read_without_harm()
    {
        var random = new Random(7);
        for (var n = 0; n < 20_000; n++)
        {
            var octets = DnsMessage.Question(1, "a.test", DnsType.Txt, edns: true).Concat(new byte[random.Next(60)]).ToArray();
            random.NextBytes(octets.AsSpan(24));
            (octets[2], octets[7]) = (0x81, (byte)random.Next(4));
            DnsMessage.Read(octets, 1, "a.test", DnsType.Txt); // throws nothing
        }
    }

    private Task<DnsAnswer> Ask(string name, DnsType type) => new DnsResolver(new DnsOptions { Servers = [$"127.0.0.1:{Port}"] }, _time).QueryAsync(name, type, default);

    private async Task ReplyAsync(UdpReceiveResult to, byte[] octets) => await _server.SendAsync(octets, to.RemoteEndPoint);

    private static byte[] Trick(string trick, byte[] question)
    {
        var honest = Reply(question, 1, Record([0xC0, 12], 1, [6, 6, 6, 6]));
        var answer = QuestionEnd(question); // where the answer begins
        switch (trick)
        {
            case "another id": honest[0] ^= 1; return honest;
            case "a question, not a reply": honest[2] = 1; return honest;
            case "another name": honest[13] = (byte)'x'; return honest;
            case "another type": honest[answer - 3] = 16; return honest;
            case "no question": honest[5] = 0; return honest;
            case "two questions": honest[5] = 2; return honest;
            case "header alone": return honest[..12];
            case "five octets": return honest[..5];
            case "a name that points to itself": honest[answer + 1] = (byte)answer; return honest;
            case "a name that points ahead": honest[answer + 1] = (byte)(answer + 8); return honest;
            case "a name that points into the header": honest[answer + 1] = 2; return honest;
            case "a label beyond the end": return Reply(question, 1, [63, (byte)'x']);
            case "a label of an unknown kind": honest[answer] = 0x80; return honest;
            case "data beyond the end": honest[answer + 11] = 200; return honest;
            case "an address of five octets": return Reply(question, 1, Record([0xC0, 12], 1, [1, 2, 3, 4, 5]));
            case "more answers than there are": honest[7] = 2; return honest;
            case "sixty thousand answers": honest[6] = 0xEA; return honest;
            case "names that add up to more than 255 octets":
                var name = Enumerable.Range(0, 5).SelectMany(_ => new byte[] { 60 }.Concat(Enumerable.Repeat((byte)'x', 60))).Append((byte)0).ToArray();
                return Reply(question, 1, Record(name, 1, [6, 6, 6, 6]));
            default: throw new ArgumentOutOfRangeException(nameof(trick));
        }
    }

    private static int QuestionEnd(byte[] question) => Array.IndexOf(question, (byte)0, 12) + 5;

    private static byte[] Reply(byte[] question, int answers, params byte[][] records)
    {
        byte[] reply = [.. question[..QuestionEnd(question)], .. records.SelectMany(record => record)];
        (reply[2], reply[3], reply[7], reply[11]) = (0x81, 0x80, (byte)answers, 0);
        return reply;
    }

    private static byte[] Record(byte[] name, byte type, byte[] data) => [.. name, 0, type, 0, 1, 0, 0, 0, 60, (byte)(data.Length >> 8), (byte)data.Length, .. data];
}
