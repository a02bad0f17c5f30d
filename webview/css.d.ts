// Style sheets are imported for the bundler: it puts them beside the script.
declare module '*.css';
