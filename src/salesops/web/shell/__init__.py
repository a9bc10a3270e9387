"""The shell of the web app: routes with their rules, navigation, the scope bar, how numbers are shown, sign-in."""
