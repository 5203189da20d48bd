using MailFlow.Data;

namespace MailFlow.Engine.Expressions;

/// <summary>The names a rule's SQL is written with, in the statement it is put into.</summary>
/// <param name="Dialect">Which database it is for.</param>
/// <param name="Contact">The alias of the table of contacts in the statement around it.</param>
/// <param name="Events">The table of events: account_id, contact_id, event_type, occurred_at.</param>
/// <param name="Now">The parameter, given by the caller, that holds the present instant in Unix milliseconds.</param>
/// <param name="Prefix">What the names of the rule's own parameters begin with.</param>
public sealed record SqlNames(Dialect Dialect, string Contact = "c", string Events = "event", string Now = "@now", string Prefix = "rule");

/// <summary>
/// A condition in SQL that is true or false for each contact and never NULL, and its parameters, named without the "@".
/// The caller adds the parameter <see cref="SqlNames.Now"/>.
/// </summary>
public sealed record SqlFragment(string Text, IReadOnlyList<(string Name, object? Value)> Parameters);
