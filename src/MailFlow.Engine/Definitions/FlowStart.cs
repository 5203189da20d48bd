namespace MailFlow.Engine.Definitions;

/// <summary>Where a flowchart starts, by Elsa's order.</summary>
internal static class FlowStart
{
    /// <summary>The place of the activity it starts with: the one it names, a Start, the first that can start it, the first that nothing leads to, the first.</summary>
    public static int Of(ActivityElement flowchart, IReadOnlyList<bool> hasInbound)
    {
        var activities = flowchart.Activities;
        int? First(Func<ActivityElement, int, bool> matches)
        {
            for (var place = 0; place < activities.Count; place++)
                if (matches(activities[place], place)) return place;
            return null;
        }
        return First((activity, _) => activity.Id == flowchart.Start)
            ?? First((activity, _) => activity.Type == "Elsa.Start")
            ?? First((activity, _) => activity.Flag("canStartWorkflow") == true)
            ?? First((_, place) => !hasInbound[place])
            ?? 0;
    }
}
