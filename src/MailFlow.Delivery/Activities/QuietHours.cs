using System.Globalization;
using MailFlow.Engine.Activities;
using NodaTime;

namespace MailFlow.Delivery.Activities;

/// <summary>Waits while it is night where the contact is; goes on at once by day. Follows the contact to another time zone.</summary>
[Activity("MailFlow.QuietHours", CanWait = true, Category = "Waits", DisplayName = "Quiet hours", Description = "Waits while the contact's clock shows quiet hours.")]
public sealed class QuietHours : Activity<QuietHours.Input>
{
    /// <summary>The form in the designer.</summary>
    public sealed record Input(
        [Input("When quiet hours begin, such as 21:00.")] string From = "21:00",
        [Input("When they end, such as 08:00.")] string To = "08:00",
        [Input("The time zone, such as Europe/Paris; empty: the contact's own, else UTC.", DisplayName = "Time zone", ChoicesFrom = "time_zones")] string? TimeZone = null) : ICheckedInput
    {
        string? ICheckedInput.Problem() => QuietHours.Problem(this);
    }

    /// <inheritdoc/>
    protected override StepResult Run(Input input, Step step)
    {
        if (!QuietTimes.TryRead(input.From, input.To, out var quiet)) return StepResult.Fault(Problem(input)!);
        var zone = LocalClock.Zone(input.TimeZone) ?? LocalClock.Zone(step.Contact.Text("time_zone")) ?? DateTimeZone.Utc;
        if (quiet.EndAfter(Instant.FromDateTimeOffset(step.Now), zone) is not { } end)
            return StepResult.Complete(text: $"{Local(Instant.FromDateTimeOffset(step.Now), zone)} is not in quiet hours");
        return StepResult.WaitUntil(end.ToDateTimeOffset(), $"quiet hours until {Local(end, zone)}", followsContact: string.IsNullOrWhiteSpace(input.TimeZone));
    }

    /// <summary>What is wrong with the inputs, whatever the contact; null when nothing is.</summary>
    internal static string? Problem(Input input) =>
        !QuietTimes.TryRead(input.From, input.To, out _) ? $"from and to: '{input.From}' and '{input.To}' must be two different times of day such as 21:00 and 08:00"
        : !string.IsNullOrWhiteSpace(input.TimeZone) && LocalClock.Zone(input.TimeZone) is null ? $"timeZone: '{input.TimeZone}' is not a known time zone: write it like Europe/Paris"
        : null;

    private static string Local(Instant at, DateTimeZone zone) => string.Create(CultureInfo.InvariantCulture, $"{at.InZone(zone).ToDateTimeUnspecified():HH:mm} {zone.Id}");
}
