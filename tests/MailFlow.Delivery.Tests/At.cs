using MailFlow.Data;

namespace MailFlow.Delivery.Tests;

/// <summary>Does something when a process comes to a point of its work.</summary>
internal sealed class At(string point, Action act) : IFaultPoints
{
    public void Reach(string name)
    {
        if (name == point) act();
    }
}
