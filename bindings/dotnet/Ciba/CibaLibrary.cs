// SPDX-License-Identifier: MIT OR Apache-2.0
using System;

namespace Ciba
{
    /// <summary>The native library.</summary>
    public static class CibaLibrary
    {
        private static volatile bool isChecked;

        /// <summary>The version of the native library that is loaded, for example "1.2.3".</summary>
        /// <exception cref="CibaLibraryException">It is missing, or of another version.</exception>
        public static string Version
        {
            get
            {
                Check();
                return Utf8.Text(Native.ciba_version());
            }
        }

        /// <summary>The name of a status in ciba.h, for example "CIBA_DENIED"; "?" for one that is not known.</summary>
        /// <param name="status">A status.</param>
        /// <returns>The name.</returns>
        /// <exception cref="CibaLibraryException">The library is missing, or of another version.</exception>
        public static string StatusName(CibaStatus status)
        {
            Check();
            return Utf8.Text(Native.ciba_status_name((int)status));
        }

        /// <summary>What a status means, in one short sentence.</summary>
        /// <param name="status">A status.</param>
        /// <returns>The sentence.</returns>
        /// <exception cref="CibaLibraryException">The library is missing, or of another version.</exception>
        public static string StatusText(CibaStatus status)
        {
            Check();
            return Utf8.Text(Native.ciba_status_text((int)status));
        }

        /// <summary>Called before the first object is made: no other function is called in a library that does not fit.</summary>
        internal static void Check()
        {
            if (isChecked)
                return;
            int loaded;
            try
            {
                loaded = Native.ciba_version_number();
            }
            catch (DllNotFoundException e)
            {
                throw new CibaLibraryException(
                    "The native library of Ciba was not found. Put " + FileName + " beside the program, or install it"
                    + " where the system looks for libraries (on Linux: make install and ldconfig, or LD_LIBRARY_PATH).", e);
            }
            catch (BadImageFormatException e)
            {
                throw new CibaLibraryException(
                    FileName + " is not for this kind of process (" + IntPtr.Size * 8 + " bits): install the one that is.", e);
            }
            catch (EntryPointNotFoundException e)
            {
                throw new CibaLibraryException(
                    "The " + FileName + " that was found is another library: put that of Ciba before it.", e);
            }
            string trouble = Misfit(loaded);
            if (trouble != null)
                throw new CibaLibraryException(trouble, null);
            isChecked = true;
        }

        /// <summary>Why a version of the library does not fit; null if it does.</summary>
        internal static string Misfit(int loaded)
        {
            // What may differ without harm: before 1.0 the minor version counts as the major one.
            int series = Native.HeaderVersion >= 10000 ? 10000 : 100;
            if (loaded / series == Native.HeaderVersion / series && loaded >= Native.HeaderVersion)
                return null;
            return FileName + " is version " + Dotted(loaded) + ", but this Ciba package needs "
                + Dotted(Native.HeaderVersion) + " or a newer one of the same series: install that library,"
                + " or the package that belongs to the library.";
        }

        private static string Dotted(int version)
        {
            return version / 10000 + "." + version / 100 % 100 + "." + version % 100;
        }

        private static string FileName
        {
            get { return Environment.OSVersion.Platform == PlatformID.Win32NT ? "libciba.dll" : "libciba.so"; }
        }
    }
}
