using System.Security.Cryptography;
using System.Text.Json.Nodes;

namespace MailFlow.Server.Elsa.Definitions;

/// <summary>
/// Which editor has a definition open, and what it saw last. It travels in the custom properties, which Studio sends back as it got them with every
/// save; it is taken out before anything is stored.
/// </summary>
/// <param name="Session">One opening of the definition in one editor.</param>
/// <param name="Seen">The content it was shown (<see cref="Engine.Definitions.WorkflowDefinition.ContentHash"/>).</param>
internal sealed record EditingToken(string Session, Guid Seen)
{
    private const string Member = "mailflowEditing";

    /// <summary>A new opening of a definition.</summary>
    public static EditingToken Open(Guid seen) => new(RandomNumberGenerator.GetHexString(16, lowercase: true), seen);

    /// <summary>Writes it into a definition that Studio is to be shown.</summary>
    public void Put(JsonObject document) => ((JsonObject)document["customProperties"]!)[Member] = $"{Session}.{Seen:N}";

    /// <summary>Takes it out of what Studio sent; null where there is none.</summary>
    public static EditingToken? Take(JsonObject document)
    {
        if (document["customProperties"] is not JsonObject custom || custom[Member] is not { } written) return null;
        custom.Remove(Member);
        return written.Text()?.Split('.') is [{ Length: > 0 } session, var hash] && Guid.TryParseExact(hash, "N", out var seen) ? new EditingToken(session, seen) : null;
    }
}
