using MailFlow.Engine.Expressions;

namespace MailFlow.Audience;

/// <summary>A named rule on contacts. Membership is never stored: it is what the rule says at the moment it is asked.</summary>
/// <param name="Key">What journeys name it by.</param>
/// <param name="Name">What a marketer calls it.</param>
/// <param name="Rule">CEL over <c>contact</c>, <c>now</c> and <c>count_events</c>.</param>
/// <param name="CreatedAt">Since when it exists.</param>
/// <param name="UpdatedAt">When it last changed.</param>
public sealed record Segment(string Key, string Name, string Rule, DateTimeOffset CreatedAt, DateTimeOffset UpdatedAt);

/// <summary>A segment ready to be asked in memory.</summary>
/// <param name="Key">What journeys name it by.</param>
/// <param name="Name">What a marketer calls it.</param>
/// <param name="Rule">Its rule, compiled.</param>
public sealed record SegmentRule(string Key, string Name, CelExpression Rule);

/// <summary>Why a contact is in a segment, or is not.</summary>
/// <param name="In">Whether the rule holds for the contact.</param>
/// <param name="Parts">Each condition of it.</param>
public sealed record SegmentExplanation(bool In, IReadOnlyList<RulePart> Parts);
