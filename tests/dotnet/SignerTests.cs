// A signer in C# with a key of .NET's own cryptography: the provider checks each signature.
// SPDX-License-Identifier: MIT OR Apache-2.0
using System;
using System.IO;
using System.Linq;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading;
using Ciba;
using static Checks;

internal static class SignerTests
{
    private const string Refused = "POST /bc-authorize -> 401 invalid_client";
    private const string Tokens = "POST /token -> 200 tokens";

    /// <summary>The key of a certificate, as it is had of the Windows store.</summary>
    private static readonly RSA Key = new X509Certificate2(
        Path.Combine(Fact("KEYS"), "..", "certificates", "rsa_legacy.p12"), "correct horse 1").GetRSAPrivateKey();

    private static int signatures;
    private static bool isChanged;

    internal static int Run()
    {
        var tests = new Action[] { SignsInAndOneByteChangedIsRefused, SignsInAwaited, OneByteChangedInAPollEndsTheFlow };
        RunAll(tests);
        return Sum(tests.Length);
    }

    private static byte[] Sign(CibaSigningInput input)
    {
        Equal("RS256", input.Algorithm, "the algorithm");
        Equal("rsa", input.KeyId, "the key");
        Interlocked.Increment(ref signatures);
        var made = Key.SignData(input.GetBytes(), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        if (isChanged)
            made[made.Length / 2] ^= 1;
        return made;
    }

    private static CibaClient NewSigningClient()
    {
        signatures = 0;
        isChanged = false;
        ClearJournal();
        using (var config = NewGenericConfig(Fact("CLIENT_ID")))
        {
            config.Set("token_endpoint_auth_method", "private_key_jwt").Set("token_endpoint_auth_signing_alg", "RS256");
            return new CibaClient(config.Set("client_key_id", "rsa").SetSigner(Sign));
        }
    }

    private static void SignsInAndOneByteChangedIsRefused()
    {
        using (var client = NewSigningClient())
        using (var request = NewGenericRequest("approve after 0 s"))
        {
            using (var flow = client.Init(request))
                Equal("alice", flow.Wait().Claim("sub"), "the person");
            Equal(2, signatures, "one for the start, one for the poll");
            Journal("signed in", Started.Append(Tokens).ToArray());

            isChanged = true;
            Status<CibaProviderException>(CibaStatus.InvalidClient, () => client.Init(request), "one byte changed");
            Equal(3, signatures, "nothing is tried again");
            Journal("refused", Started.Append(Tokens).Append(Refused).ToArray());
        }
    }

    private static void SignsInAwaited()
    {
        using (var client = NewSigningClient())
        using (var request = NewGenericRequest("approve after 0 s"))
        {
            using (var flow = In(client.InitAsync(request)))
                Equal("alice", In(flow.WaitAsync()).Claim("sub"), "the person");
            isChanged = true;
            Status<CibaProviderException>(CibaStatus.InvalidClient, () => In(client.InitAsync(request)), "one byte changed");
            Journal("awaited", Started.Append(Tokens).Append(Refused).ToArray());
        }
    }

    private static void OneByteChangedInAPollEndsTheFlow()
    {
        using (var client = NewSigningClient())
        using (var request = NewGenericRequest("approve after 0 s"))
        using (var flow = client.Init(request))
        {
            isChanged = true;
            Status<CibaProviderException>(CibaStatus.InvalidClient, () => flow.Wait(), "one byte changed");
            Status<CibaProviderException>(CibaStatus.InvalidClient, () => flow.Wait(), "the same again");
            Thread.Sleep(3000); // three intervals
            Journal("refused once", Started.Append("POST /token -> 401 invalid_client").ToArray());
        }
    }
}
