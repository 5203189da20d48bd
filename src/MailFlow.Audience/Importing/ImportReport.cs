namespace MailFlow.Audience.Importing;

/// <summary>What an import did, or in a dry run would do.</summary>
/// <param name="DryRun">Whether nothing was written.</param>
/// <param name="Lines">How many lines were read, the heading and empty lines not counted.</param>
/// <param name="Added">How many were new.</param>
/// <param name="Changed">How many changed what was there.</param>
/// <param name="Unchanged">How many said what was known.</param>
/// <param name="Rejected">How many could not be taken.</param>
/// <param name="Errors">Why, the first thousand of them.</param>
/// <param name="KeptWithdrawn">Of how many contacts a consent stays withdrawn though the file says yes, because they refused otherwise than by a file. They are counted above, too.</param>
public sealed record ImportReport(bool DryRun, long Lines, long Added, long Changed, long Unchanged, long Rejected, IReadOnlyList<ImportError> Errors, long KeptWithdrawn = 0);

/// <summary>Why a line could not be taken.</summary>
/// <param name="Line">Where it begins in the file; the heading is line 1.</param>
/// <param name="Field">The column.</param>
/// <param name="Problem">What is wrong with it.</param>
public sealed record ImportError(long Line, string Field, string Problem);
