using System.Collections.Concurrent;
using System.Text.Json;
using MailFlow.Delivery.Providers.Http;
using MailFlow.Delivery.Tests.Providers;
using MailFlow.Testing;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Delivery.Tests;

/// <summary>
/// A provider in a bad hour: for one mail in a hundred, the request that carries it is taken and its answer lost, for one in a hundred it is lost whole; it answers 429 in storms and 500 in bursts. The
/// provider's own log, which the sender never sees, is compared with the ledger.
/// </summary>
public sealed class StormTests
{
    private const int Mails = 600, PerSecond = 40;

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Of_an_idempotent_provider_nothing_is_lost_and_nothing_doubled(DatabaseKind kind)
    {
        await using var storm = await Storm.StartAsync(kind, "stub");

        await storm.RunAsync();

        Assert.All(storm.States(), state => Assert.Equal(MessageState.Accepted, state.Value));
        Assert.Equal(storm.Ids.Order(), storm.Log.Select(entry => entry.Key).Order());
        storm.AssertWithinLimit();
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Of_a_searchable_provider_nothing_is_lost_and_nothing_doubled(DatabaseKind kind)
    {
        await using var storm = await Storm.StartAsync(kind, "postmark");

        await storm.RunAsync();

        Assert.All(storm.States(), state => Assert.Equal(MessageState.Accepted, state.Value));
        Assert.Equal(storm.Ids.Order(), storm.Log.Select(entry => entry.Key).Order());
        storm.AssertWithinLimit();
    }

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Of_one_that_is_neither_nothing_is_doubled_and_what_may_be_lost_is_listed(DatabaseKind kind)
    {
        await using var storm = await Storm.StartAsync(kind, "sendgrid");

        await storm.RunAsync();

        var states = storm.States();
        var taken = storm.Log.Select(entry => entry.Key).ToHashSet();
        Assert.Equal(storm.Log.Count, taken.Count);
        Assert.All(states, state => Assert.True(state.Value is MessageState.Accepted or MessageState.Unconfirmed, $"{state.Key} is {state.Value}"));
        Assert.All(states.Where(state => !taken.Contains(state.Key)), state => Assert.Equal(MessageState.Unconfirmed, state.Value));
        Assert.Contains(MessageState.Unconfirmed, states.Values); // the storm was one
        storm.AssertWithinLimit();
    }

    private sealed class Storm : IAsyncDisposable
    {
        private readonly DeliveryFixture _fixture;
        private readonly StubApi _api;
        private readonly Random _random = new(7);
        private readonly ConcurrentQueue<long> _calls = new();
        private int _takenAndLost, _lost;

        private Storm(DeliveryFixture fixture, StubApi api) => (_fixture, _api) = (fixture, api);

        /// <summary>What the provider took, in order.</summary>
        public ConcurrentQueue<(Guid Key, long At)> Log { get; } = new();

        public IReadOnlyList<Guid> Ids { get; private set; } = [];

        public static async Task<Storm> StartAsync(DatabaseKind kind, string provider)
        {
            Storm? storm = null;
            var api = await StubApi.StartAsync(request => storm!.Answer(request));
            var fixture = await DeliveryFixture.CreateAsync(kind);
            storm = new Storm(fixture, api);
            api.TroubleOf = storm.TroubleOf;
            var options = fixture.Options with { ProviderEndpoints = new Dictionary<string, string> { ["postmark"] = api.Address, ["sendgrid"] = api.Address } };
            fixture.Start(options: options, services: services => services.AddSingleton<IProviderType>(new IdempotentType(fixture.Time, api.Address)));
            var settings = provider switch
            {
                "postmark" => new Dictionary<string, string?> { ["server_token"] = "secret" },
                "sendgrid" => new() { ["api_key"] = "SG.secret" },
                _ => [],
            };
            await fixture.Get<Connections>().PutAsync(1, "main", new(provider, Settings: settings, PerSecond: PerSecond), default);
            storm.Ids = await fixture.QueueManyAsync(Mails);
            return storm;
        }

        /// <summary>Until it is over; and it was a storm, or the test shows nothing.</summary>
        public async Task RunAsync()
        {
            await RunAsync(TimeSpan.FromMinutes(5), TimeSpan.FromMilliseconds(500));
            await RunAsync(TimeSpan.FromHours(12), TimeSpan.FromMinutes(2));
            Assert.True(_takenAndLost > 0 && _lost > 0, $"of the requests, {_takenAndLost} were taken and their answer lost, {_lost} were lost whole");
        }

        public Dictionary<Guid, MessageState> States() => Ids.ToDictionary(id => id, id => _fixture.StateAsync(id).Result.State);

        /// <summary>In no window did more mails come than the limit allows: the provider's own log proves it.</summary>
        public void AssertWithinLimit()
        {
            var at = _calls.Order().ToList();
            for (var first = 0; first < at.Count; first++)
                for (var last = first + PerSecond; last < at.Count; last++)
                    Assert.True(last - first + 1 <= PerSecond + ((at[last] - at[first]) / 1000.0 * PerSecond) + 1e-6, $"{last - first + 1} mails within {at[last] - at[first]} ms");
        }

        public async ValueTask DisposeAsync()
        {
            await _fixture.DisposeAsync();
            await _api.DisposeAsync();
        }

        private async Task RunAsync(TimeSpan time, TimeSpan step)
        {
            for (var passed = TimeSpan.Zero; passed < time; passed += step)
            {
                await _fixture.SendAllAsync();
                _fixture.Time.Advance(step);
            }
        }

        private bool IsThrottling => _fixture.Time.GetUtcNow() is { Second: >= 20 and < 25, Minute: < 5 };

        private bool IsFailing => _fixture.Time.GetUtcNow() is { Second: >= 8 and < 11, Minute: < 5 };

        private Trouble TroubleOf(StubRequest request)
        {
            if (request.Method == "GET" || IsThrottling || IsFailing) return Trouble.None;
            // For each mail, so that a request of many is not spared by being one.
            List<int> drawn;
            lock (_random) drawn = [.. KeysOf(request).Select(_ => _random.Next(100))];
            if (drawn.Contains(0))
            {
                Take(request);
                Interlocked.Increment(ref _takenAndLost);
                return Trouble.ResetAfterBody;
            }
            if (!drawn.Contains(1)) return Trouble.None;
            Interlocked.Increment(ref _lost);
            return Trouble.ResetAfterBody;
        }

        private ApiAnswer Answer(StubRequest request)
        {
            if (request.Method == "GET") return Search(request);
            if (IsThrottling)
            {
                Count(request);
                return new ApiAnswer(429, """{"ErrorCode":429,"Message":"Too many requests","errors":[{"message":"too many requests"}]}""", ("Retry-After", "3"));
            }
            if (IsFailing)
            {
                Count(request);
                return new ApiAnswer(500, """{"ErrorCode":500,"Message":"Internal error"}""");
            }
            Take(request);
            return request.Path switch
            {
                "/email/batch" => new ApiAnswer(200, $"[{string.Join(',', KeysOf(request).Select(key => $$"""{"ErrorCode":0,"Message":"OK","MessageID":"{{key}}"}"""))}]"),
                "/email" => new ApiAnswer(200, $$"""{"ErrorCode":0,"Message":"OK","MessageID":"{{KeysOf(request)[0]}}"}"""),
                _ => new ApiAnswer(202, "", ("X-Message-Id", KeysOf(request)[0].ToString("n"))),
            };
        }

        private ApiAnswer Search(StubRequest request)
        {
            if (request.Path == "/message-streams") return new ApiAnswer(200, """{"TotalCount":1,"MessageStreams":[{"ID":"broadcast","MessageStreamType":"Broadcasts"}]}""");
            var key = Guid.Parse(System.Web.HttpUtility.ParseQueryString(request.Query)["metadata_mf_msg"]!);
            return new ApiAnswer(200, Log.Any(entry => entry.Key == key)
                ? $$"""{"TotalCount":1,"Messages":[{"MessageID":"{{key}}"}]}""" : """{"TotalCount":0,"Messages":[]}""");
        }

        private void Take(StubRequest request)
        {
            Count(request);
            foreach (var key in KeysOf(request))
                if (request.Path != "/idempotent" || Log.All(entry => entry.Key != key)) Log.Enqueue((key, _fixture.Now));
        }

        private void Count(StubRequest request)
        {
            foreach (var _ in KeysOf(request)) _calls.Enqueue(_fixture.Now);
        }

        private static List<Guid> KeysOf(StubRequest request)
        {
            using var json = JsonDocument.Parse(request.Body);
            return json.RootElement switch
            {
                { ValueKind: JsonValueKind.Array } batch => [.. batch.EnumerateArray().Select(mail => mail.GetProperty("Metadata").GetProperty("mf_msg").GetGuid())],
                var one when one.TryGetProperty("Metadata", out var metadata) => [metadata.GetProperty("mf_msg").GetGuid()],
                var one when one.TryGetProperty("personalizations", out var people) => [.. people.EnumerateArray().Select(person => person.GetProperty("custom_args").GetProperty("mf_msg").GetGuid())],
                var one => [one.GetProperty("key").GetGuid()],
            };
        }
    }

    /// <summary>A provider over HTTP that takes each key once.</summary>
    private sealed class IdempotentType(TimeProvider time, string address) : IProviderType, IEmailProvider
    {
        private readonly ProviderHttp _http = new(time);

        public string Name => "stub";

        public string DisplayName => "Stub";

        public IReadOnlyList<ProviderSetting> Settings => [];

        public IProviderWebhook? Webhook => null;

        public ReplayPolicy Replay => ReplayPolicy.Idempotent;

        public int Concurrency => 8;

        public TimeSpan RequestTimeout => TimeSpan.FromSeconds(30);

        public IEmailProvider Open(ConnectionSettings settings) => this;

        public async Task<HandOver> SendAsync(OutgoingEmail email, CancellationToken ct) =>
            (await _http.PostAsync(new Uri(new Uri(address), "idempotent"), JsonSerializer.SerializeToUtf8Bytes(new { key = email.MessageId }), "application/json", [], ct))
                .HandOver(DisplayName, time.GetUtcNow(), answered => answered.Status == 202 ? new HandOver.Accepted() : null);
    }
}
