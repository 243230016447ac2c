// Flows that are saved, and what is done with tokens.
// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.Linq;
using System.Threading.Tasks;
using Ciba;
using static Checks;

internal static partial class Tests
{
    private static CibaClient NewSavingClient()
    {
        using (var config = NewConfig().Set(CibaSetting.SavedFlowKeys, Keys))
            return new CibaClient(config);
    }

    private static void SavedFlowsGoOnElsewhere()
    {
        using (var client = NewSavingClient())
        using (var request = NewRequest("approve after 0 s"))
        using (var flow = client.Init(request))
        using (var other = NewSavingClient())
        {
            var first = flow.Checkpoint("row \u00e6");
            Check(first.Bytes.Length > 20 && first.Revision == flow.Revision, "a checkpoint");
            Equal(CibaStatus.Pending, flow.Outcome, "it goes on here");
            var second = flow.HandOver("row \u00e6", Patience);
            Check(second.Revision > first.Revision, "a higher revision");
            Status<CibaSavedFlowException>(CibaStatus.HandedOver, () => flow.Wait(), "it has left");
            using (var resumed = other.Resume(second.Bytes, "row \u00e6"))
                Equal(Uuid, In(resumed.WaitAsync()).Claim("mitid.uuid"), "it ends there");
        }
    }

    private static void SavedFlowsThatAreNotGoodAreRefused()
    {
        using (var client = NewSavingClient())
        using (var request = NewRequest("wait"))
        using (var flow = client.Init(request))
        {
            var saved = flow.HandOver("row 7", Patience).Bytes;
            var edited = (byte[])saved.Clone();
            edited[edited.Length - 1] ^= 1;
            Throws<CibaSavedFlowException>(() => client.Resume(edited, "row 7"), "edited bytes");
            Throws<CibaSavedFlowException>(() => client.Resume(saved.Take(10).ToArray(), "row 7"), "half of it");
            Throws<CibaSavedFlowException>(() => client.Resume(saved, "row 8"), "another context");
            Throws<CibaException>(() => client.Resume(new byte[0], "row 7"), "nothing");
            Status<CibaSavedFlowException>(CibaStatus.NotSaveable, () => flow.Checkpoint("row 7"), "once more");
            client.Resume(saved, "row 7").Dispose(); // the good twin
        }
        using (var flow = NewFlow("wait"))
            Status<CibaUsageException>(CibaStatus.MissingSetting, () => flow.Checkpoint("row 7"), "no key");
    }

    private static CibaClient NewGenericClient()
    {
        using (var config = new CibaConfig().SetJson(Environment.GetEnvironmentVariable("CIBA_GENERIC_SETTINGS") ?? "{}"))
            return new CibaClient(config);
    }

    private static CibaTokens SignedIn(CibaClient client)
    {
        using (var request = new CibaRequest().Set("login_hint", "alice").Set("scope", "openid offline_access")
            .Set("binding_message", "approve after 0 s"))
        using (var flow = client.Init(request))
            return flow.Wait();
    }

    private static void WhatIsDoneWithTokens()
    {
        using (var client = NewGenericClient())
        using (var tokens = SignedIn(client))
        {
            using (var person = client.Userinfo(tokens))
            {
                Equal("alice", person.Get("sub"), "the person");
                Check(person.Get("no.such") == null && person.Json.Contains("\"alice\""), "the answer");
                Throws<ArgumentNullException>(() => person.Get(null), "no name");
                person.Dispose();
                Throws<ObjectDisposedException>(() => person.Get("sub"), "a disposed answer");
            }
            using (var active = In(client.IntrospectAsync(tokens, CibaTokenKind.AccessToken)))
                Equal("true", active.Get("active"), "an active token");

            var early = client.Refresh(tokens, TimeSpan.Zero); // null, unless the answer was faster than this thread
            var fresh = In(client.RefreshAsync(tokens));
            Check(early == null || early.AccessToken == fresh.AccessToken, "zero loses nothing");
            Equal("alice", fresh.Claim("sub"), "the same person");
            Check(fresh.AccessToken != tokens.AccessToken && fresh.RefreshToken != tokens.RefreshToken, "fresh tokens");
            Equal(fresh.AccessToken, client.Refresh(tokens, Patience).AccessToken, "the same refresh");

            var kept = client.RestoreTokens(fresh.RefreshToken, fresh.IdToken);
            Check(kept.AccessToken == null && kept.RefreshToken == fresh.RefreshToken && kept.Claims.Count == 0, "kept tokens");
            Status<CibaUsageException>(CibaStatus.NotPresent, () => client.Userinfo(kept), "no access token");
            Status<CibaUsageException>(CibaStatus.MissingArgument, () => client.RestoreTokens("r", null), "no ID Token");
            Throws<ArgumentNullException>(() => client.RestoreTokens(null, fresh.IdToken), "no refresh token");
            var last = client.Refresh(kept);
            Check(client.Introspect(last, CibaTokenKind.RefreshToken, Patience).Get("active") == "true", "active");
            Check(client.Revoke(last, CibaTokenKind.RefreshToken, Patience), "revoked");
            client.Revoke(last, CibaTokenKind.RefreshToken);
            In(Task.WhenAll(client.RevokeAsync(last, CibaTokenKind.AccessToken)).ContinueWith(t => "done"));
            Equal("false", client.Introspect(last, CibaTokenKind.RefreshToken).Get("active"), "not any more");
            Status<CibaProviderException>(CibaStatus.InvalidGrant, () => client.Refresh(last), "a revoked token");
            Status<CibaProviderException>(CibaStatus.InvalidToken, () => client.Userinfo(last, Patience), "a revoked access token");

            using (var other = NewClient())
                Status<CibaUsageException>(CibaStatus.OtherClient, () => other.Refresh(tokens), "another client's tokens");
            Throws<ArgumentNullException>(() => client.Refresh(null), "no tokens");
            Throws<ArgumentOutOfRangeException>(() => client.Refresh(tokens, TimeSpan.FromSeconds(-2)), "a negative timeout");
            last.Dispose();
            Throws<ObjectDisposedException>(() => client.Userinfo(last), "disposed tokens");
            Hear(fresh);
        }
    }

    private const string Keys = "2026:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
}
