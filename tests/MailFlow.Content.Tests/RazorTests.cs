using MailFlow.Content.Tests.Components;
using MailFlow.Data;
using MailFlow.Engine.Definitions;
using Microsoft.Extensions.DependencyInjection;

namespace MailFlow.Content.Tests;

/// <summary>Templates that engineers write as Razor components.</summary>
public sealed class RazorTests
{
    private static Task<Mails> NewAsync() => Mails.CreateAsync(configure: services => services
        .AddRazorTemplates(typeof(OrderReceipt).Assembly)
        .AddRazorTemplate<Failing>("failing", "Hi"));

    [Fact]
    public async Task A_component_is_rendered_like_any_other_template()
    {
        await using var mails = await NewAsync();

        var mail = await mails.RenderAsync("order-receipt", Mails.Model(contact: """{"first_name":"<Ada>"}""", @event: """{"url":"javascript:x","items":[{"name":"Tea","price":4.5}]}"""));

        Assert.Equal("Your order, <Ada>", mail.Subject);
        Assert.Contains("<p>Hi &lt;Ada&gt;, thank you. </p>", mail.Html);
        Assert.Contains("<a href=\"#\">Track it</a>", mail.Html);
        Assert.Equal("Hi <Ada>, thank you.\n\n- Tea: 4.5\n\nTrack it", mail.Text);
        Assert.Equal(["contact.nickname"], mail.MissingVariables);
        Assert.True(mail.ReplacedUnsafeLink);
    }

    [Fact]
    public async Task A_component_sent_as_marketing_gets_the_footer()
    {
        await using var mails = await NewAsync();

        var mail = await mails.RenderAsync("order-receipt", stream: MessageStream.Marketing);

        Assert.Contains(">Unsubscribe</a>", mail.Html);
        Assert.EndsWith($"Unsubscribe: {Mails.Url}", mail.Text);
    }

    [Fact]
    public async Task Its_key_is_one_of_every_account_and_cannot_be_put()
    {
        await using var mails = await NewAsync();
        await mails.PutAsync("welcome", "<p></p>");

        await Assert.ThrowsAsync<ConflictException>(() => mails.PutAsync("order-receipt", "<p></p>"));
        Assert.Equal(["failing", "order-receipt", "welcome"], (await mails.Templates.ListAsync(Mails.Account, null, 100, default)).Items.Select(item => item.Key));
        Assert.True((await mails.Templates.FindAsync(9, "order-receipt", null, default))!.IsRazor);
        var existing = await mails.Database.ReadAsync(session => mails.Templates.ExistingAsync(session, 9, ["order-receipt", "welcome"], default), default);
        Assert.Equal(["order-receipt"], existing);
    }

    [Fact]
    public async Task A_component_that_throws_fails_its_mail_with_the_reason()
    {
        await using var mails = await NewAsync();

        var error = await Assert.ThrowsAsync<RenderException>(() => mails.RenderAsync("failing"));

        Assert.Equal("the Razor template 'failing' failed: no age", error.Message);
        Assert.Equal("<p>37</p>", (await mails.RenderAsync("failing", Mails.Model(contact: """{"age":37}"""))).Html);
    }

    [Fact]
    public async Task A_mistake_in_a_registration_shows_at_start_up()
    {
        await using var twice = await Mails.CreateAsync(configure: services => services.AddRazorTemplate<Failing>("a", "x").AddRazorTemplate<OrderReceipt>("a", "x"));
        await using var broken = await Mails.CreateAsync(configure: services => services.AddRazorTemplate<Failing>("a", "{{#if}}"));

        Assert.Contains("Two Razor templates have the key 'a'", Assert.Throws<InvalidOperationException>(() => twice.Templates).Message);
        Assert.Contains("The subject of the Razor template 'a' does not compile", Assert.Throws<InvalidOperationException>(() => broken.Templates).Message);
    }
}
