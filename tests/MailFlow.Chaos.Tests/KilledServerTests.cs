using MailFlow.Testing;

namespace MailFlow.Chaos.Tests;

/// <summary>The real server, killed with SIGKILL in the middle of its work, three times.</summary>
public sealed class KilledServerTests
{
    private const int Contacts = 5_000;

    [Theory, MemberData(nameof(OnEveryDatabase.Kinds), MemberType = typeof(OnEveryDatabase))]
    public async Task Every_contact_gets_each_mail_once_though_the_server_is_killed_three_times(DatabaseKind kind)
    {
        await using var test = await TestDatabase.CreateAsync(kind, TimeProvider.System);
        var folder = Directory.CreateTempSubdirectory("mailflow-chaos-").FullName;
        try
        {
            var server = await ServerProcess.StartAsync(folder, test.ConnectionString);
            await ThreeMails.PublishAsync(server);
            await ThreeMails.SignUpAsync(server, Enumerable.Range(0, Contacts));

            // Each time it has got a bit further: entering, between the mails, at the last.
            foreach (var mails in new[] { 500, Contacts, (2 * Contacts) + 500 })
            {
                await ThreeMails.UntilAsync(server, mails);
                server.Kill();
                await server.DisposeAsync();
                server = await ServerProcess.StartAsync(folder, test.ConnectionString);
            }
            // The sender of the events cannot know which were taken in: it sends them all again.
            await ThreeMails.SignUpAsync(server, Enumerable.Range(0, Contacts));
            await ThreeMails.UntilAsync(server, Contacts * ThreeMails.MailsEach);
            await ThreeMails.UntilAllAreDoneAsync(server, Contacts);
            await ThreeMails.EachHasEachMailOnceAsync(server, Contacts);
            await server.DisposeAsync();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
