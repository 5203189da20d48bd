using System.Text.Json.Nodes;
using MailFlow.Data;
using MailFlow.Engine.Definitions;
using MailFlow.Journeys;

namespace MailFlow.Server.Elsa.Definitions;

/// <summary>Decides what a save from Studio comes to. Studio saves by itself half a second after each change, and what it sends replaces everything.</summary>
/// <param name="form">Studio's form of definitions.</param>
/// <param name="model">What Studio sent, without its token.</param>
/// <param name="token">What it saw before; null where it does not say.</param>
internal sealed class SaveGuard(StudioForm form, JsonObject model, EditingToken? token)
{
    /// <summary>What is to be stored over the latest version.</summary>
    /// <exception cref="RefusedException">It would lose what somebody else saved, or all there is.</exception>
    public WorkflowDefinition Decide(StoredDefinition? latest, JourneyRevision? revision)
    {
        if (latest is null) throw new RefusedException("This journey has been deleted, so it was not saved. To keep what you see, choose “Save as” or export it.");
        RefuseConflict(latest, revision);
        var sent = form.Back(model);
        var given = Read(sent);
        if (given.ActivityCount == 0 && latest.Definition.ActivityCount > 0)
        {
            throw new RefusedException($"This save would remove all {latest.Definition.ActivityCount} activities of “{latest.Definition.Name}”, so it was not saved. "
                + "If the canvas is empty though you removed nothing, reload the page.");
        }
        var shown = form.Back(form.Of(latest.Definition));
        return Read(new SavedChange(latest.Definition.ToJsonObject(), shown, sent).Apply());
    }

    /// <summary>What is stored of a journey that is new.</summary>
    public WorkflowDefinition Create()
    {
        var sent = form.Back(model);
        foreach (var member in new[] { "links", "id", "isLatest", "isPublished", "version", "createdAt", "materializerName" }) sent.Remove(member);
        foreach (var empty in sent.Where(member => member.Value is null).Select(member => member.Key).ToList()) sent.Remove(empty);
        return Read(sent);
    }

    private void RefuseConflict(StoredDefinition latest, JourneyRevision? revision)
    {
        if (token is null || token.Seen == latest.Definition.ContentHash) return;
        // Its own save before this one, the answer to which it had not got yet, or which was saved but then not published.
        if (revision?.IsOf(token.Session) == true) return;
        var who = revision is null ? "somebody else" : revision.Author ?? revision.Source;
        throw new RefusedException($"“{latest.Definition.Name}” has been changed since you opened it (by {who}{(revision is null ? "" : $", {revision.CreatedAt:yyyy-MM-dd HH:mm} UTC")}), so your change was not saved. "
            + "Reload the page to go on from there; export first to keep what you see.");
    }

    private static WorkflowDefinition Read(JsonObject document)
    {
        try
        {
            return WorkflowDefinition.Parse(document.ToJsonString(ElsaJson.Compact));
        }
        catch (InvalidInputException error)
        {
            throw new RefusedException($"This cannot be saved: {error.Field} {error.Problem}.");
        }
    }
}
