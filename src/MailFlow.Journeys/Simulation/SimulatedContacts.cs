using System.Globalization;
using MailFlow.Audience;
using MailFlow.Data;
using MailFlow.Delivery;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Storage;

namespace MailFlow.Journeys.Simulation;

/// <summary>The contacts of a simulation, and how things happen to them.</summary>
internal sealed class SimulatedContacts
{
    private const string MadeUp = "simulated-contact", MadeUpAddress = "simulated@example.com";

    private readonly SimulatedWorld _world;
    private readonly int _account;
    private readonly IReadOnlyList<string> _users;
    private int _happened;

    private SimulatedContacts(SimulatedWorld world, int account, IReadOnlyList<string> users) => (_world, _account, _users) = (world, account, users);

    /// <summary>The application's id of the contact that the timeline is about.</summary>
    public string First => _users[0];

    public int Count => _users.Count;

    /// <summary>Makes up what was not copied, and the others in the first one's image.</summary>
    public static async Task<SimulatedContacts> CreateAsync(SimulatedWorld world, int account, Script script, CancellationToken ct)
    {
        var first = script.UserId ?? (script.ContactFields.GetValueOrDefault("user_id") is string { Length: > 0 } named ? named : MadeUp);
        var fields = script.ContactFields.Where(field => field.Key != "user_id").ToDictionary();
        if (script.UserId is null) fields.TryAdd("email", MadeUpAddress);
        var image = await world.Get<Contacts>().PutAsync(account, first, fields, ct, "simulation");
        var others = Enumerable.Range(2, script.Contacts - 1).Select(number => $"{MadeUp}-{number.ToString("0000", CultureInfo.InvariantCulture)}").Where(user => user != first).ToList();
        await world.Database.WriteAsync(async session =>
        {
            var now = await session.NowAsync(ct);
            var store = world.Get<IContactStore>();
            var contacts = await store.FindOrCreateAsync(session, [.. others.Select(user => (account, user))], now, ct);
            await store.ApplyAsync(session, [.. contacts.Select(contact => new ContactChange(contact, Like(image, contact.UserId)))], "simulation", now, ct);
        }, ct);
        return new SimulatedContacts(world, account, [first, .. others]);
    }

    /// <summary>To whom a mail made from the template has been sent by now.</summary>
    public async Task<IReadOnlySet<string>> MailedAsync(string template, CancellationToken ct) => (await _world.Database.ReadAsync(session => session.QueryAsync(
        "SELECT DISTINCT c.user_id FROM message m JOIN contact c ON c.id = m.contact_id WHERE m.account_id = @account AND m.template = @template AND m.state = @accepted",
        row => row.Text(0), ct, ("account", _account), ("template", template), ("accepted", (int)MessageState.Accepted)), ct)).ToHashSet();

    /// <summary>An event comes in, by the same door as any.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="payload">What it carries.</param>
    /// <param name="share">Of the contacts, to how many.</param>
    /// <param name="ct">Cancels.</param>
    /// <param name="only">To these alone; null for no such bound.</param>
    public Task<IntakeResult> EventAsync(string type, IReadOnlyDictionary<string, object?> payload, double share, CancellationToken ct, IReadOnlySet<string>? only = null)
    {
        var body = JsonData.Write(payload);
        var number = ++_happened;
        return _world.Get<EventIntake>().AcceptAsync(_account,
            [.. Among(share, number).Where(user => only?.Contains(user) != false).Select(user => new IncomingEvent($"simulated-{number}/{user}", type, user, _world.Time.GetUtcNow(), body, null))], ct);
    }

    /// <summary>Their fields change, without an event.</summary>
    public async Task ChangeAsync(IReadOnlyDictionary<string, object?> fields, double share, CancellationToken ct)
    {
        foreach (var user in Among(share, ++_happened)) await _world.Get<Contacts>().PutAsync(_account, user, fields, ct, "simulation");
    }

    /// <summary>The journey is started by hand.</summary>
    public Task StartAsync(string definitionId, IReadOnlyDictionary<string, object?> input, CancellationToken ct) => _world.Database.WriteAsync(async session =>
    {
        var now = await session.NowAsync(ct);
        await Inbox.PostAsync(session, [.. _users.Select(user => InboxItem.StartInstance(
            _account, user, StableHash.TimedKey(now, StableHash.Key("simulation", user)), definitionId, input, underEntryRule: true))], ct);
    }, ct);

    /// <summary>The same ones at every run, and others for each thing that happens.</summary>
    private IEnumerable<string> Among(double share, int number) =>
        _users.Where((user, index) => index == 0 || StableHash.Of($"{number}/{user}") % 10_000 < share * 10_000);

    private static Dictionary<string, object?> Like(ContactDetails image, string user) => new()
    {
        ["email"] = image.Email is null ? null : $"{user}@example.com",
        ["first_name"] = image.FirstName,
        ["last_name"] = image.LastName,
        ["time_zone"] = image.TimeZone,
        ["attributes"] = image.Attributes,
        ["tags"] = image.Tags.ToList<object?>(),
        ["consents"] = image.Consents.ToDictionary(consent => consent.Key, consent => (object?)consent.Value),
    };
}
