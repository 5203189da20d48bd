using System.Collections.Frozen;
using System.Globalization;
using MailFlow.Engine.Activities;
using MailFlow.Engine.Expressions;
using NodaTime;

namespace MailFlow.Journeys.Activities;

/// <summary>
/// Waits until an instant, a date that the contact carries, or a local time of day: exactly one of them.
/// Local times follow the clocks of the zone given, else of the contact's own zone, else UTC: a local time that does not
/// exist (clocks go forward) moves to the first valid instant after it, and of a time that comes twice (clocks go back) the earlier counts.
/// </summary>
[Activity("MailFlow.WaitUntil", CanWait = true, Category = "Waits", DisplayName = "Wait until",
    Description = "Waits until an instant, until a date the contact carries, or until a local time of day on chosen weekdays.")]
public sealed class WaitUntil : Activity<WaitUntil.Input>
{
    /// <summary>The form in the designer. Give exactly one of <c>at</c>, <c>attribute</c> and <c>timeOfDay</c>.</summary>
    public sealed record Input(
        [Input("An instant, such as 2026-12-01T09:00:00Z. One in the past does not wait.")] DateTimeOffset? At = null,
        [Input("A contact attribute that holds a date or an instant, such as trial_ends_at. A date alone is the start of that day where the contact is. Without a value, waits for one; follows it when it changes.")] string? Attribute = null,
        [Input("With an attribute: how much later, or earlier with a minus, such as -P3D or PT9H.")] string? Offset = null,
        [Input("A local time such as 09:30: the next time clocks show it.", DisplayName = "Time of day")] string? TimeOfDay = null,
        [Input("With a time of day: on these days; none: on any.", Choices = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"], Hint = "checklist")] IReadOnlyList<string>? Weekdays = null,
        [Input("The time zone, such as Europe/Paris; empty: the contact's own, else UTC.", DisplayName = "Time zone", ChoicesFrom = "time_zones")] string? TimeZone = null) : ICheckedInput
    {
        string? ICheckedInput.Problem() => WaitUntil.Problem(this);
    }

    private static readonly FrozenDictionary<string, IsoDayOfWeek> DayNames = Enum.GetValues<IsoDayOfWeek>()
        .Where(day => day != IsoDayOfWeek.None)
        .SelectMany(day => new[] { KeyValuePair.Create(day.ToString(), day), KeyValuePair.Create(day.ToString()[..3], day) })
        .ToFrozenDictionary(StringComparer.OrdinalIgnoreCase);

    /// <inheritdoc/>
    protected override StepResult Run(Input input, Step step)
    {
        if (Problem(input) is { } problem) return StepResult.Fault(problem);
        if (input.At is { } at) return Until(at, DateTimeZone.Utc, step, follows: false);
        var zone = LocalClock.Zone(input.TimeZone) ?? LocalClock.Zone(step.Contact.Text("time_zone")) ?? DateTimeZone.Utc;
        return Given(input.Attribute) ? UntilAttribute(input.Attribute!.Trim(), input.Offset, zone, step) : UntilTimeOfDay(input, zone, step);
    }

    private static StepResult UntilAttribute(string attribute, string? offset, DateTimeZone zone, Step step)
    {
        TryOffset(offset, out var shift);
        if (step.Contact.Fields.GetValueOrDefault(attribute) is not { } value) return StepResult.WaitForContact($"waits for {attribute}, which the contact lacks");
        return LocalClock.Read(value, shift, zone) is { } at
            ? Until(at.ToDateTimeOffset(), zone, step, follows: true)
            : StepResult.WaitForContact($"waits for a date in {attribute}: '{value}' is none");
    }

    private static StepResult UntilTimeOfDay(Input input, DateTimeZone zone, Step step)
    {
        // Its time has come, or came while the server was down: "the next time from now" would be a day late.
        if (step.WaitingUntil <= step.Now || step.Wake == WakeReason.Due) return StepResult.Complete("Done", "the time of day came");
        var days = (input.Weekdays ?? []).Select(name => DayNames[name.Trim()]).ToHashSet();
        // Coming round a loop, it has just had this one and waits for the next.
        var from = step.Visit > 1 ? step.Now.AddMilliseconds(1) : step.Now;
        var next = LocalClock.Next(Instant.FromDateTimeOffset(from), TryTime(input.TimeOfDay)!.Value, days, zone);
        return Until(next.ToDateTimeOffset(), zone, step, follows: !Given(input.TimeZone));
    }

    private static StepResult Until(DateTimeOffset at, DateTimeZone zone, Step step, bool follows)
    {
        var local = Instant.FromDateTimeOffset(at).InZone(zone);
        var words = string.Create(CultureInfo.InvariantCulture, $"{local.LocalDateTime.ToDateTimeUnspecified():d MMMM yyyy, HH:mm} {zone.Id}");
        return at <= step.Now ? StepResult.Complete("Done", $"{words} has come") : StepResult.WaitUntil(at, $"waits until {words}", follows);
    }

    /// <summary>What is wrong with the inputs, whatever the contact; null when nothing is.</summary>
    internal static string? Problem(Input input)
    {
        if (new[] { input.At is not null, Given(input.Attribute), Given(input.TimeOfDay) }.Count(given => given) != 1)
            return "needs exactly one of at, attribute and timeOfDay";
        if (!TryOffset(input.Offset, out _)) return $"offset: '{input.Offset}' is not a duration: write it like P1D, -P3D or PT9H";
        if (Given(input.TimeOfDay) && TryTime(input.TimeOfDay) is null) return $"timeOfDay: '{input.TimeOfDay}' is not a time: write it like 09:30";
        if (input.Weekdays?.FirstOrDefault(name => !DayNames.ContainsKey(name.Trim())) is { } day) return $"weekdays: '{day}' is not a day of the week: write it like mon or Monday";
        return Given(input.TimeZone) && LocalClock.Zone(input.TimeZone) is null
            ? $"timeZone: '{input.TimeZone}' is not a known time zone: write it like Europe/Paris"
            : null;
    }

    /// <summary>The designer saves a cleared field as empty text.</summary>
    private static bool Given(string? text) => !string.IsNullOrWhiteSpace(text);

    private static LocalTime? TryTime(string? text) =>
        TimeOnly.TryParseExact(text?.Trim(), ["H:mm", "HH:mm", "HH:mm:ss"], CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? LocalTime.FromTimeOnly(time)
            : null;

    private static bool TryOffset(string? text, out TimeSpan offset)
    {
        offset = default;
        if (!Given(text)) return true;
        text = text!.Trim();
        if (!DurationText.TryParse(text.TrimStart('-', '+'), out offset)) return false;
        if (text[0] == '-') offset = -offset;
        return text.Length - text.TrimStart('-', '+').Length <= 1;
    }
}
