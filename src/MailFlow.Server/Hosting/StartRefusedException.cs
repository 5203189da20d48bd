using MailFlow.Data;
using Microsoft.AspNetCore.Connections;

namespace MailFlow.Server.Hosting;

/// <summary>Why the server does not start, to whoever starts it: what is in the way and what to do about it.</summary>
internal sealed class StartRefusedException(string reason, Exception? inner = null) : Exception(reason, inner)
{
    /// <summary>The one line for what the operator can mend; null for what is ours to mend, of which the whole trace is wanted.</summary>
    public static string? LineOf(Exception error) => error switch
    {
        StartRefusedException or InvalidInputException => $"MailFlow does not start: {error.Message}",
        InvalidOperationException when error.Message.StartsWith("Failed to convert configuration value", StringComparison.Ordinal) => $"MailFlow does not start: {error.Message}",
        _ when Database.IsOutOfReach(error) => $"MailFlow does not start: the database that ConnectionStrings__MailFlow names cannot be used: {error.Message.Split('\n')[0].Trim()}",
        IOException { InnerException: AddressInUseException } => $"MailFlow does not start: {error.Message}", // taken since ListenAddresses looked
        _ => null,
    };
}
